/**
 * Stale synchronous parallel: a fast worker waits for the slowest one, so that no worker computes more than `maxDelay`
 * pushes ahead of another (paper.md §3.2). Gradients are applied unchanged.
 *
 * Parameter server 0 decides it alone: a worker pulls from it first, and it sees every push. Others make no worker wait.
 * The slowest active worker never waits, so the job goes on whatever happens to the others.
 */
import { DelayBound } from './delay-bound.ts'
import type { PolicyKind } from './policy.ts'

export const boundedDelay: PolicyKind<'boundedDelay'> = {
  create({ maxDelay }, _shard, { index }) {
    if (index !== 0) return { beforeUpdate: () => 1 }
    const bound = new DelayBound(maxDelay)
    return {
      onPull: (worker) => bound.join(worker),
      onPushed: (worker) => bound.count(worker),
      leave: (worker) => bound.leave(worker),
      forget: (worker) => bound.leave(worker),
      mustWait: (worker) => bound.mustWait(worker),
      beforeUpdate: () => 1,
    }
  },
}
