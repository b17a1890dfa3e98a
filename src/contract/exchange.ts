/** Results of pushes and leases of data: what workers and parameter servers exchange besides weights and gradients. */
import { z } from 'zod'

/**
 * applied, duplicate: the push counts, once. stale: it was too old; the worker pulls and computes again. nonfinite: it
 * was refused. incarnation: the server restarted with other weights; the worker pulls. wait: during warm start; the
 * worker pulls, which blocks. done: the job has finished all steps.
 */
export const PUSH_RESULTS = ['applied', 'duplicate', 'stale', 'nonfinite', 'incarnation', 'done', 'wait'] as const
export type PushResult = (typeof PUSH_RESULTS)[number]

/** Results that consume a sequence number: a repeated push gets the same answer, and checkpoints store it. */
export const SETTLED_RESULTS = ['applied', 'stale', 'nonfinite'] as const
export type SettledResult = (typeof SETTLED_RESULTS)[number]

export function isSettled(result: PushResult): result is SettledResult {
  return (SETTLED_RESULTS as readonly PushResult[]).includes(result)
}

const count = z.int().min(0)

/** A unit of data assigned to a worker: a shard file, or a group of images of a folder. */
export const Lease = z.strictObject({ epoch: count, unit: count })
export type Lease = z.output<typeof Lease>
