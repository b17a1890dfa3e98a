/** `npm run dashboards`: pictures of the dashboards with real data, and a list of panels that show nothing. */
import { errorText } from '../../src/support/errors.ts'
import { exec } from '../cluster/exec.ts'
import { progressOf } from '../cluster/progress.ts'
import { findBrowser } from './browser.ts'
import { withDemonstration } from './demonstration.ts'
import { drawAll } from './draw-all.ts'
import { parseOptions } from './options.ts'

const MILLISECONDS = 1000
/** What a shell reports for Ctrl-C. */
const INTERRUPTED = 130
const progress = progressOf('dashboards')

async function main(args: readonly string[], signal: AbortSignal): Promise<number> {
  const options = parseOptions(args, Date.now() / MILLISECONDS)
  findBrowser()
  // Neither `npm run types` nor CI can, because they do without Grafana's packages.
  await progress.step('checking types', () =>
    exec('npx', ['--no-install', 'tsc', '-p', 'tools/dashboards'], { signal }),
  )
  const { prometheus } = options
  const wrong =
    prometheus === undefined
      ? await withDemonstration(progress, signal, (source) => drawAll({ ...options, ...source }, progress))
      : await drawAll({ ...options, prometheus }, progress)
  if (wrong.length === 0) return 0
  progress.say(`${wrong.length} queries have no data, and nothing in their panels says why`)
  return 1
}

const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt.abort())
try {
  process.exitCode = await main(process.argv.slice(2), interrupt.signal)
} catch (error) {
  progress.say(interrupt.signal.aborted ? 'stopped' : errorText(error))
  process.exitCode = interrupt.signal.aborted ? INTERRUPTED : 1
}
