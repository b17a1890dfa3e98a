/** What workers and parameter servers hand each other: results of pushes, leases of data. */
import { z } from 'zod'

/**
 * applied, duplicate: it counts, once. stale: too old, pull and compute again. nonfinite: refused. incarnation: a
 * server came back with other weights, pull. wait: warm start, pull (which waits). done: the job has all its steps.
 */
export const PUSH_RESULTS = ['applied', 'duplicate', 'stale', 'nonfinite', 'incarnation', 'done', 'wait'] as const
export type PushResult = (typeof PUSH_RESULTS)[number]

/** Results that use up a sequence number: a repeated push is answered with them, and checkpoints keep them. */
export const SETTLED_RESULTS = ['applied', 'stale', 'nonfinite'] as const
export type SettledResult = (typeof SETTLED_RESULTS)[number]

export function isSettled(result: PushResult): result is SettledResult {
  return (SETTLED_RESULTS as readonly PushResult[]).includes(result)
}

const count = z.int().min(0)

/** A unit of data handed to a worker: a shard file, or a run of images of a folder. */
export const Lease = z.strictObject({ epoch: count, unit: count })
export type Lease = z.output<typeof Lease>
