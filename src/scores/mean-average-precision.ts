/** Mean average precision of ranked labels, mAP@100, in three forms (paper.md §4.9). */

import { DownpourError } from '../support/errors.ts'

/** How many labels of a ranking count. */
export const RANKS = 100

/** Ranked labels that are right, each with the share of right ones among the labels up to it. */
interface Hits {
  readonly labels: Int32Array
  readonly precisions: Float64Array
}

interface Image extends Hits {
  readonly right: Int32Array
}

/** A weight of each label. */
export type Weights = (label: number) => number

const EQUAL: Weights = () => 1

/**
 * AP(x) = Σ_k w·[label k is right]·precision(k) / Σ_{right labels} w for each image, and then the mean over images. An image
 * without a right label has no AP and is left out.
 */
export class MeanAveragePrecision {
  readonly #images: Image[] = []

  /**
   * @param ranked the most likely label first; more than RANKS do not count. @param right in any order
   * @throws DownpourError SCORES_INVALID: a label twice in the ranking, which would be found twice
   */
  add(ranked: readonly number[], right: readonly number[]): void {
    const counted = ranked.slice(0, RANKS)
    const twice = new Set(counted).size < counted.length && counted.find((label, i) => counted.indexOf(label) < i)
    if (twice !== false)
      throw new DownpourError('SCORES_INVALID', `label ${twice}: expected each label once in a ranking`)
    const labels = new Set(right)
    if (labels.size > 0) this.#images.push({ ...hitsOf(counted, labels), right: Int32Array.from(labels) })
  }

  /** NaN if no image counts. @param weights 0 or more; images whose labels all weigh 0 are left out */
  result(weights: Weights = EQUAL): number {
    const values = this.#images.map((image) => averagePrecision(image, weights)).filter((value) => !Number.isNaN(value))
    return values.reduce((sum, value) => sum + value, 0) / values.length
  }

  /** The number of images that each label is right for. As weights, they let frequent labels count more. */
  popularity(): ReadonlyMap<number, number> {
    const counts = new Map<number, number>()
    for (const { right } of this.#images) for (const label of right) counts.set(label, (counts.get(label) ?? 0) + 1)
    return counts
  }
}

function hitsOf(ranked: readonly number[], right: ReadonlySet<number>): Hits {
  const places = [...ranked.keys()].filter((place) => right.has(ranked[place] as number))
  return {
    labels: Int32Array.from(places, (place) => ranked[place] as number),
    precisions: Float64Array.from(places, (place, i) => (i + 1) / (place + 1)),
  }
}

function averagePrecision({ labels, precisions, right }: Image, weights: Weights): number {
  const gained = labels.reduce((sum, label, i) => sum + weights(label) * (precisions[i] as number), 0)
  return gained / right.reduce((sum, label) => sum + weights(label), 0)
}

/** A label's id is its place. */
export type LabelTree = readonly { readonly parents: readonly number[] }[]

/** Ids of the labels that are no label's parent. */
export function leavesOf(labels: LabelTree): number[] {
  const parents = new Set(labels.flatMap((label) => label.parents))
  return [...labels.keys()].filter((id) => !parents.has(id))
}
