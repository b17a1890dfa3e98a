/**
 * Synchronous SGD with backup workers (paper.md §3.2): the mean of the first `workers - backups` gradients of the present
 * weights is one update. Later gradients of these weights are dropped: they are stale, and their workers pull again.
 *
 * As with tf.train.SyncReplicasOptimizer, whose accumulators belong to variables, each shard gathers for itself, and two
 * shards may leave out different workers. A worker pulls from every shard when the update that it contributed to is
 * applied there.
 *
 * Only shard 0 makes a worker wait without limit. A connection to one shard can break in mid-push, and then the gradient of
 * a worker may be stale on shard 0 and counted on shard 1, and that of another worker the other way round: each of them
 * would wait for the other. So the other shards hold a worker for one wait only. After it, the worker computes on weights
 * there that it has contributed to already, and its next gradient of them is dropped.
 */
import { elementKernel } from '../kernel.ts'
import type { Gathering, PolicyKind, PolicyShard } from './policy.ts'

/** `scratch`: the sum of the pushes. */
export const SUM = elementKernel({
  name: 'sum',
  arrays: ['scratch', 'g'],
  scalars: [],
  formula: 'scratch = scratch + g',
})
export const MEAN = elementKernel({
  name: 'mean',
  arrays: ['g', 'scratch'],
  scalars: ['count'],
  formula: 'g = scratch / count',
})

export const syncBackup: PolicyKind<'syncBackup'> = {
  needsScratch: true,
  kernels: [SUM, MEAN],
  create({ backups }, shard, { index, workers }) {
    const isFirst = index === 0
    const active = new Set<number>()
    /** Present pods that have pushed a gradient of the present weights. */
    const contributors = new Set<number>()
    /** Contributors that have waited long enough. */
    const released = new Set<number>()
    // With more than `backups` workers missing, an update is made of the gradients of all that are there.
    const wanted = () => Math.max(1, Math.min(workers - backups, active.size))
    return {
      onPull: (worker) => void active.add(worker),
      leave: (worker) => void active.delete(worker),
      forget(worker) {
        active.delete(worker)
        contributors.delete(worker)
        released.delete(worker)
      },
      mustWait: (worker) => contributors.has(worker) && !released.has(worker),
      onWaited(worker) {
        if (!isFirst) released.add(worker)
      },
      beforeUpdate: () => 1,
      gathering: gather(shard, {
        wanted,
        contributors,
        refusal: isFirst ? 'wait' : 'stale',
        begin() {
          contributors.clear()
          released.clear()
        },
      }),
    }
  },
}

interface Round {
  wanted(): number
  readonly contributors: Set<number>
  /** The result of a second gradient of the same weights. */
  readonly refusal: 'wait' | 'stale'
  /** Called when the gradients of the present weights are complete. */
  begin(): void
}

function gather(shard: PolicyShard, { wanted, contributors, refusal, begin }: Round): Gathering {
  let pushes = 0
  let batchesInAll = 0
  return {
    refusal({ worker, staleness }) {
      if (staleness > 0) return 'stale'
      return contributors.has(worker) ? refusal : undefined
    },
    add({ worker, batches }) {
      if (pushes === 0) shard.scratch.fill(0)
      shard.runOnPush(SUM, {})
      contributors.add(worker)
      pushes++
      batchesInAll += batches
    },
    get isComplete() {
      return pushes >= wanted()
    },
    take() {
      shard.runOnPush(MEAN, { count: pushes })
      const batches = batchesInAll / pushes
      pushes = batchesInAll = 0
      begin()
      return batches
    },
  }
}
