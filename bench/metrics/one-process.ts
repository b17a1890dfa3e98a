/**
 * `node one-process.ts CASE`: serves the metrics of a case at a free port, which it sends to its parent, and makes a new
 * text at each request. The message `cost` asks for CPU time and the longest block of the event loop since the last one.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { startProcessServer } from '../../src/http/process-server.ts'
import { exposition } from '../../src/metrics/exposition.ts'
import { REGISTRIES } from './registries.ts'

export interface Cost {
  readonly cpuMs: number
  readonly longestBlockMs: number
}

const RESOLUTION_MS = 1
const make = REGISTRIES[process.argv[2] ?? '']
if (!make) throw new Error(`no case ${process.argv[2]}`)
let nowMs = 0
const metrics = exposition(make(), { monotonicMs: () => (nowMs += 2000) })
const { port } = await startProcessServer({ host: '127.0.0.1', port: 0, metrics })
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
delay.enable()
let before = process.cpuUsage()
process.on('message', () => {
  const { user, system } = process.cpuUsage(before)
  const cost: Cost = { cpuMs: (user + system) / 1000, longestBlockMs: Math.max(0, delay.max / 1e6 - RESOLUTION_MS) }
  delay.reset()
  before = process.cpuUsage()
  process.send?.(cost)
})
process.on('disconnect', () => process.exit())
process.send?.({ port })
