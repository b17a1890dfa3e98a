/** Staleness-aware SGD: the learning rate is divided by the staleness of the gradient (paper.md §3.2). */
import type { PolicyKind } from './policy.ts'

export const lrOverStaleness: PolicyKind<'lrOverStaleness'> = {
  create: () => ({ beforeUpdate: ({ staleness }) => 1 / Math.max(1, staleness) }),
}
