/** Checks the hello of a connection against the job. */
import type { RuntimeConfig } from '../contract/runtime.ts'
import { DownpourError } from '../support/errors.ts'
import { variableSpec } from '../support/variables.ts'
import { type ModelLayout, makeLayout } from '../wire/layout.ts'
import type { Message } from '../wire/messages.ts'
import type { LeaseTable } from './leases.ts'
import type { OpenShard, Peer } from './peer.ts'

/** @throws DownpourError WRONG_JOB */
export function assertSameJob(hello: Message<'hello'>, { job, topology }: RuntimeConfig, index: number): void {
  const { parameterServers } = topology
  if (hello.jobUid === job.uid && hello.shard === index && hello.shards === parameterServers) return
  throw new DownpourError(
    'WRONG_JOB',
    `this is shard ${index} of ${parameterServers} of job ${job.name}, not shard ${hello.shard} of ${hello.shards} of ${hello.jobUid}`,
  )
}

/** @throws DownpourError COMPRESSION_MISMATCH */
export function assertSameCompression({ index, compression }: Message<'hello'>, { async, job }: RuntimeConfig): void {
  const [wanted, given] = [async.compression ?? 'none', compression ?? 'none']
  if (given === wanted) return
  throw new DownpourError(
    'COMPRESSION_MISMATCH',
    `worker ${index} pushes gradients with the compression ${given}, job ${job.name} has async.compression ${wanted}: all pods need the same image and spec`,
    { wanted, given },
  )
}

/** @throws DownpourError LAYOUT_MISMATCH, LAYOUT_INVALID */
export function layoutOf({ variables }: Message<'layout'>, { layoutHash }: Message<'hello'>): ModelLayout {
  const layout = makeLayout(variables.map(variableSpec))
  if (layout.hash === layoutHash) return layout
  throw new DownpourError('LAYOUT_MISMATCH', 'the layout does not have the hash of the hello')
}

/** Facts of a shard that the coordinator's hello must agree with. */
export interface Origin {
  /** The generation of parameter servers that it belongs to. */
  attempt: number
  /** Digest of the checkpoint that it was restored from; null: none. */
  restored: string | null
}

/**
 * Shards that save checkpoints together must have been restored from the same checkpoint, and belong to the same generation.
 * @throws DownpourError OUTDATED_COORDINATOR, OUTDATED_SHARD, SHARDS_DISAGREE
 */
export function assertSameOrigin(hello: Message<'hello'>, own: Origin): void {
  const facts = { coordinator: { attempt: hello.attempt, restored: hello.restored }, shard: own }
  if (hello.attempt < own.attempt) {
    const message = `the coordinator is of generation ${hello.attempt}, shard ${hello.shard} of ${own.attempt}`
    throw new DownpourError('OUTDATED_COORDINATOR', message, facts)
  }
  if (hello.attempt > own.attempt) {
    const message = `shard ${hello.shard} is of generation ${own.attempt}, the coordinator of ${hello.attempt}`
    throw new DownpourError('OUTDATED_SHARD', message, facts)
  }
  if (hello.restored === own.restored) return
  const nameOf = (digest: string | null) => (digest === null ? 'nothing' : `checkpoint ${digest.slice(0, 12)}`)
  const message = `shard ${hello.shard} restored ${nameOf(own.restored)}, the coordinator ${nameOf(hello.restored)}: all must restart`
  throw new DownpourError('SHARDS_DISAGREE', message, facts)
}

/** @throws DownpourError LAYOUT_MISMATCH */
export function assertSameModel(hello: Message<'hello'>, { layout }: OpenShard): void {
  if (layout.hash === hello.layoutHash) return
  throw new DownpourError(
    'LAYOUT_MISMATCH',
    `worker ${hello.index} has a different model than the job (layout ${hello.layoutHash.slice(0, 12)}, expected ${layout.hash.slice(0, 12)}): all pods need the same image and spec`,
  )
}

/**
 * Checked with the first lease and not with the hello: if the data differs, a wrong class is the more helpful error, and
 * the worker finds it first.
 * @throws DownpourError DATA_UNITS_MISMATCH
 */
export function assertSameData({ who, dataUnits }: Peer, leases: LeaseTable): void {
  if (leases.units === dataUnits) return
  throw new DownpourError(
    'DATA_UNITS_MISMATCH',
    `worker ${who.index} sees ${dataUnits} data files, the job has ${leases.units}: all workers need the same data`,
  )
}
