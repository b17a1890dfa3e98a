/** What one scrape costs a process that does nothing else. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { percentile } from '../figures.ts'
import type { Cost } from './one-process.ts'
import { REGISTRIES } from './registries.ts'

const WARM_UP = 30
const SCRAPES = 200
const PROGRAM = fileURLToPath(new URL('one-process.ts', import.meta.url))

export async function textCosts() {
  const rows = []
  for (const name of Object.keys(REGISTRIES)) rows.push(await costOf(name))
  return rows
}

async function costOf(name: string) {
  const child = fork(PROGRAM, [name])
  const next = async <T>() => (await once(child, 'message'))[0] as T
  const { port } = await next<{ port: number }>()
  const scrape = async () => (await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).length
  const cost = async () => {
    child.send('cost')
    return next<Cost>()
  }
  for (let i = 0; i < WARM_UP; i++) await scrape()
  await cost()
  const costs: Cost[] = []
  let bytes = 0
  for (let i = 0; i < SCRAPES; i++) {
    bytes = await scrape()
    costs.push(await cost())
  }
  child.disconnect()
  await once(child, 'exit')
  const cpuMs = costs.reduce((sum, one) => sum + one.cpuMs, 0) / SCRAPES
  return {
    process: name,
    kB: Number((bytes / 1000).toFixed(1)),
    'CPU ms a scrape': Number(cpuMs.toFixed(2)),
    // A scrape each second.
    '% of a core': Number((cpuMs / 10).toFixed(2)),
    'longest block, ms': Number(
      percentile(
        costs.map(({ longestBlockMs }) => longestBlockMs),
        0.99,
      ).toFixed(1),
    ),
  }
}
