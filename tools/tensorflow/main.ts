/** `npm run setup:tensorflow [-- --gpu | --remove]`: native TensorFlow in the user's cache, for every clone. */
import { parseArgs } from 'node:util'
import { cacheRoot } from '../../src/support/cache-root.mjs'
import { DownpourError, errorMessage, errorText } from '../../src/support/errors.ts'
import { progressOf } from '../cluster/progress.ts'
import { removeTensorFlow, setUpTensorFlow } from './install.ts'

const OPTIONS = { remove: { type: 'boolean', default: false }, gpu: { type: 'boolean', default: false } } as const
const SEE_HELP = '`npm run setup:tensorflow -- --help` shows the options'

async function main(args: string[], signal: AbortSignal): Promise<void> {
  const { remove, gpu } = parse(args)
  if (remove && gpu) throw new DownpourError('INVALID_OPTION', `--remove removes both: leave out --gpu (${SEE_HELP})`)
  const variant = gpu ? 'gpu' : 'cpu'
  const context = { cache: cacheRoot(process.env), variant, progress: progressOf('set-up'), signal } as const
  await (remove ? removeTensorFlow(context) : setUpTensorFlow(context))
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS }).values
  } catch (error) {
    throw new DownpourError('INVALID_OPTION', `${errorMessage(error)} (${SEE_HELP})`)
  }
}

const interrupted = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interrupted.abort())
try {
  await main(process.argv.slice(2), interrupted.signal)
} catch (error) {
  const { aborted } = interrupted.signal
  process.stderr.write(
    aborted ? 'set-up: interrupted; the next set-up starts again\n' : `set-up: ${errorText(error)}\n`,
  )
  process.exitCode = aborted ? 130 : 1
}
