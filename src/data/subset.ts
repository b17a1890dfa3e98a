import type { DataConfig } from '../contract/runtime.ts'
import { seedOf } from '../support/random.ts'

const HASH_RANGE = 2 ** 32

/** Nested subsets: an image kept at 10% is kept at 30% of the same seed (paper.md §2.7). */
export function inSubset(id: string, subset: DataConfig['subset']): boolean {
  return !subset || seedOf('subset', subset.seed, id) / HASH_RANGE < subset.fraction
}
