/** The classes with the largest values, and how often the right one is among them (paper.md §4.9). */

/**
 * Indices of the `k` largest values, largest first. Of equal values the lower index comes first; NaN is
 * below every number. One pass, in which one comparison with the smallest kept value rejects nearly all of 18,291 logits.
 */
export function topK(values: ArrayLike<number>, k: number): number[] {
  const kept: number[] = []
  const valueAt = (i: number) => rankable(values[i] as number)
  for (let i = 0; i < values.length; i++) {
    const value = rankable(values[i] as number)
    if (kept.length === k && !(value > valueAt(kept[k - 1] as number))) continue
    let place = kept.length
    while (place > 0 && value > valueAt(kept[place - 1] as number)) place--
    kept.splice(place, 0, i)
    if (kept.length > k) kept.pop()
  }
  return kept
}

function rankable(value: number): number {
  return Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value
}

/** An image with its right class and the classes that were predicted for it, the most likely first. */
export interface RankedImage {
  readonly ranked: readonly number[]
  readonly label: number
}

/** The share of images whose label is among the first `k` of its ranking. NaN for no images. */
export function topAccuracy(images: readonly RankedImage[], k: number): number {
  const hits = images.filter(({ ranked, label }) => ranked.slice(0, k).includes(label))
  return hits.length / images.length
}
