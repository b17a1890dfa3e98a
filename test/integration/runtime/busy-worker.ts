/** A worker in its own thread whose steps block it for many heartbeats. It reads a number of units and reports them. */
import { parentPort, workerData } from 'node:worker_threads'
import { encodeClasses } from '../../../src/contract/classes.ts'
import type { Lease } from '../../../src/contract/exchange.ts'
import { silentLog } from '../../../src/support/log.ts'
import { connectShards } from '../../../src/worker/client.ts'
import { layout } from './layout.ts'

export interface BusyWork {
  port: number
  heartbeatMs: number
  stepMs: number
  units: number
}

const { port, heartbeatMs, stepMs, units } = workerData as BusyWork
const client = await connectShards({
  hosts: [`127.0.0.1:${port}`],
  port: 0,
  identity: { index: 0, podUid: 'busy', attempt: 0 },
  jobUid: 'job-uid',
  layout,
  dataUnits: 4,
  classes: encodeClasses([]),
  heartbeatMs,
  signal: new AbortController().signal,
  log: silentLog,
})
const read: Lease[] = []
for (let i = 0; i < units; i++) {
  const lease = await client.leases.next()
  if (!lease) break
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stepMs)
  await client.leases.done(lease)
  read.push(lease)
}
await client.close()
parentPort?.postMessage(read)
