import type { DataConfig } from '../contract/runtime.ts'
import { seedOf } from '../support/random.ts'

const HASH_RANGE = 2 ** 32

/** Subsets of one seed are nested: an image of the 10% subset is in the 30% subset (paper.md §2.7). */
export function inSubset(id: string, subset: DataConfig['subset']): boolean {
  return !subset || seedOf('subset', subset.seed, id) / HASH_RANGE < subset.fraction
}
