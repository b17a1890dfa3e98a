/** Downpour SGD: gradients are applied unchanged, whatever their staleness (paper.md §3.1). */
import type { PolicyKind } from './policy.ts'

export const async: PolicyKind<'async'> = { create: () => ({ beforeUpdate: () => 1 }) }
