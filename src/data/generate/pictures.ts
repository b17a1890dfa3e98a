/** Makes the pictures of a set, several at once. Each has a random source of its own, seeded by its place in the set. */
import { createRandom, type Random, seedOf } from '../../support/random.ts'
import { inParallel } from '../scan/in-parallel.ts'

/** What every kind of data set is made with. */
export interface Making {
  readonly folder: string
  readonly seed: number
  readonly onPicture: () => void
  readonly signal?: AbortSignal | undefined
}

/** Of the sets of a data set for fine-tuning. */
export interface SetSizes {
  readonly trainImages: number
  readonly valImages: number
}

/**
 * A larger set of the same seed begins with the same pictures.
 * @param set part of the seeds, so that no two sets have the same pictures
 * @throws AbortError
 */
export function makePictures<T>(
  { seed, onPicture, signal }: Making,
  { set, count }: { set: string; count: number },
  make: (index: number, random: Random) => Promise<T>,
): Promise<T[]> {
  const indices = Array.from({ length: count }, (_, i) => i)
  return inParallel(indices, async (i) => {
    signal?.throwIfAborted()
    const made = await make(i, createRandom(seedOf(set, seed, i)))
    onPicture()
    return made
  })
}
