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

/** Top-1 and top-5 accuracy over images. */
export class TopAccuracy {
  readonly #byLabel = new Map<number, { images: number; first: number; amongFive: number }>()

  /** @param ranked predicted classes of an image, the most likely first. @param label the right one */
  add(ranked: readonly number[], label: number): void {
    const counts = this.#byLabel.get(label) ?? { images: 0, first: 0, amongFive: 0 }
    this.#byLabel.set(label, counts)
    const rank = ranked.slice(0, 5).indexOf(label)
    counts.images++
    if (rank === 0) counts.first++
    if (rank >= 0) counts.amongFive++
  }

  /** Shares of the images whose label is the first, or among the first five. NaN for no images. */
  result(): { readonly top1: number; readonly top5: number } {
    const sums = { images: 0, first: 0, amongFive: 0 }
    for (const { images, first, amongFive } of this.#byLabel.values()) {
      sums.images += images
      sums.first += first
      sums.amongFive += amongFive
    }
    return { top1: sums.first / sums.images, top5: sums.amongFive / sums.images }
  }

  /** Top-1 of the images of each label, by label. */
  byLabel(): ReadonlyMap<number, number> {
    const labels = [...this.#byLabel].sort(([a], [b]) => a - b)
    return new Map(labels.map(([label, { images, first }]) => [label, first / images]))
  }
}
