/** Downpour SGD: every gradient counts, however old its weights are (paper.md §3.1). */
import type { PolicyKind } from './policy.ts'

export const async: PolicyKind<'async'> = { create: () => ({ beforeUpdate: () => 1 }) }
