/** A process whose steps take no time: it shares its gradient as the processes of a worker do. Arguments: number, processes. */
import { SHARED_FD, type ToProcess } from '../../src/worker/processes/messages.ts'
import { SharedArrays } from '../../src/worker/processes/shared-arrays.ts'
import { StepServer } from '../../src/worker/processes/step-server.ts'
import type { CalibratingSource } from '../../src/worker/step-source.ts'
import { arrays, WHOLE } from './model.ts'

const [number, processes] = process.argv.slice(2).map(Number) as [number, number]
const gradients = arrays()
const source: CalibratingSource = {
  load() {},
  next: async () => ({
    ...{ gradients, statistics: new Map(), loss: 0, parts: {}, examples: 1, seconds: 0, batches: 1, nonFinite: 0 },
  }),
  measure: async () => new Map(),
  stats: () => ({ corruptRecords: 0, queuedBatches: 0 }),
}
const facts = { units: 1, labels: [], passedOver: [] }
const { signal } = new AbortController()
const send = (message: object) => process.send?.(message)
const server = new StepServer({
  process: number,
  opened: { facts, backend: 'none', signal, start: () => source, close: async () => {} },
  shared: new SharedArrays(SHARED_FD, WHOLE, processes),
  whole: WHOLE,
  waitedSeconds: () => 0,
  rssBytes: () => 0,
  send,
})
process.on('message', (message) => void server.take(message as ToProcess))
process.on('disconnect', () => process.exit())
send({ type: 'opened', facts, backend: 'none' })
