/**
 * Stale synchronous parallel: a fast worker waits for the slowest one, so that no worker computes more than `maxDelay`
 * pushes ahead of another (paper.md §3.2). Gradients are applied unchanged.
 *
 * Parameter server 0 decides it alone: a worker pulls from it first, and it sees every push. Others make no worker wait.
 * The slowest active worker never waits, so the job goes on whatever happens to the others. A worker that joins or
 * returns begins where the slowest one is, because all would have to wait until it had caught up.
 */
import type { PolicyKind } from './policy.ts'

export const boundedDelay: PolicyKind<'boundedDelay'> = {
  create({ maxDelay }, _shard, { index }) {
    if (index !== 0) return { beforeUpdate: () => 1 }
    /** Pushes of each active worker, whatever their result: one that is refused must not hold up the others for ever. */
    const pushes = new Map<number, number>()
    const slowest = () => Math.min(...pushes.values())
    const remove = (worker: number) => void pushes.delete(worker)
    return {
      onPull(worker) {
        if (!pushes.has(worker)) pushes.set(worker, pushes.size === 0 ? 0 : slowest())
      },
      onPushed(worker) {
        const before = pushes.get(worker)
        if (before !== undefined) pushes.set(worker, before + 1)
      },
      leave: remove,
      forget: remove,
      mustWait(worker) {
        const own = pushes.get(worker)
        return own !== undefined && own - slowest() > maxDelay
      },
      beforeUpdate: () => 1,
    }
  },
}
