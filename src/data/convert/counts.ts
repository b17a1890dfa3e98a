/** What a conversion has written and left out. */
import { z } from 'zod'

const count = z.int().min(0)

export const Counts = z.strictObject({
  images: count,
  damaged: count,
  objects: count,
  crowds: count,
  /** Objects whose keypoints are written, and whose mask is. */
  withKeypoints: count,
  withMask: count,
  /** Objects that have a mask which is not written. */
  masksLeftOut: count,
  /** Objects that are left out: a width or height of 0, or a box that reaches beyond the picture. */
  withoutArea: count,
  outside: count,
})
export type Counts = z.output<typeof Counts>

export const NOTHING: Counts = {
  images: 0,
  damaged: 0,
  objects: 0,
  crowds: 0,
  withKeypoints: 0,
  withMask: 0,
  masksLeftOut: 0,
  withoutArea: 0,
  outside: 0,
}

export function sumOf(all: readonly Counts[]): Counts {
  const sum = { ...NOTHING }
  for (const one of all) for (const key of Object.keys(NOTHING) as (keyof Counts)[]) sum[key] += one[key]
  return sum
}
