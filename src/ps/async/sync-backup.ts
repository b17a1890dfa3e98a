/**
 * Synchronous SGD with backup workers (paper.md §3.2): the mean of the first `workers - backups` gradients of the present
 * weights is one update. Later gradients of these weights are dropped: they are stale, and their workers pull again.
 *
 * As with tf.train.SyncReplicasOptimizer, whose accumulators belong to variables, each shard gathers for itself, and two
 * shards may leave out different workers. A worker pulls from every shard when the update that it contributed to is
 * applied there. Each active worker pushes to every shard, so at most as many miss an update as that shard can do
 * without: no two shards wait for each other.
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
  create({ backups }, shard, { workers }) {
    const active = new Set<number>()
    /** Present pods that have pushed a gradient of the present weights. */
    const contributors = new Set<number>()
    // With more than `backups` workers missing, an update is made of the gradients of all that are there.
    const wanted = () => Math.max(1, Math.min(workers - backups, active.size))
    return {
      onPull: (worker) => void active.add(worker),
      leave: (worker) => void active.delete(worker),
      forget(worker) {
        active.delete(worker)
        contributors.delete(worker)
      },
      mustWait: (worker) => contributors.has(worker),
      beforeUpdate: () => 1,
      gathering: gather(shard, contributors, wanted),
    }
  },
}

function gather(shard: PolicyShard, contributors: Set<number>, wanted: () => number): Gathering {
  let pushes = 0
  let batchesInAll = 0
  return {
    refusal({ worker, staleness }) {
      if (staleness > 0) return 'stale'
      return contributors.has(worker) ? 'wait' : undefined
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
      contributors.clear()
      return batches
    },
  }
}
