/** Who may speak: the first message of a connection, held against the job. */
import type { RuntimeConfig } from '../contract/runtime.ts'
import { DownpourError } from '../support/errors.ts'
import { type ModelLayout, makeLayout } from '../wire/layout.ts'
import type { Message } from '../wire/messages.ts'
import type { OpenShard } from './requests.ts'

/** @throws DownpourError WRONG_JOB, LAYOUT_MISMATCH, LAYOUT_INVALID */
export function layoutOf(hello: Message<'hello'>, { job, topology }: RuntimeConfig, index: number): ModelLayout {
  const { parameterServers } = topology
  if (hello.jobUid !== job.uid || hello.shard !== index || hello.shards !== parameterServers) {
    throw new DownpourError(
      'WRONG_JOB',
      `this is shard ${index} of ${parameterServers} of job ${job.name}, not shard ${hello.shard} of ${hello.shards} of ${hello.jobUid}`,
    )
  }
  const layout = makeLayout(hello.layout)
  if (layout.hash === hello.layoutHash) return layout
  throw new DownpourError('LAYOUT_MISMATCH', 'the layout of a hello does not have the hash that it claims')
}

/** @throws DownpourError LAYOUT_MISMATCH, DATA_UNITS_MISMATCH */
export function assertSameWork(hello: Message<'hello'>, { hash }: ModelLayout, { layout, leases }: OpenShard): void {
  if (layout.hash !== hash) {
    throw new DownpourError(
      'LAYOUT_MISMATCH',
      `worker ${hello.index} has another model than the job (layout ${hash.slice(0, 12)}, expected ${layout.hash.slice(0, 12)}): all pods need one image and one spec`,
    )
  }
  if (hello.role === 'worker' && leases && leases.units !== hello.dataUnits) {
    throw new DownpourError(
      'DATA_UNITS_MISMATCH',
      `worker ${hello.index} sees ${hello.dataUnits} data files, the job has ${leases.units}: all workers need the same data`,
    )
  }
}
