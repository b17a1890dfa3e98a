/** The three forms of mAP@100 for images with any number of labels (paper.md §4.9). */
import { type LabelTree, leavesOf, MeanAveragePrecision, RANKS } from './mean-average-precision.ts'
import { topK } from './top-k.ts'

export class LabelScores {
  /** Ids of the leaves, in ascending order; undefined: every label is one. */
  readonly #leaves: Int32Array | undefined
  readonly #isLeaf: (label: number) => boolean
  readonly #all = new MeanAveragePrecision()
  readonly #leavesAlone = new MeanAveragePrecision()

  /** @param labels absent: no label has a parent */
  constructor(labels?: LabelTree) {
    this.#leaves = labels && Int32Array.from(leavesOf(labels))
    const leaves = new Set(this.#leaves)
    this.#isLeaf = labels ? (label) => leaves.has(label) : () => true
  }

  /** @param scores of each label, by its id. @param right in any order, with their ancestors */
  addScores(scores: ArrayLike<number>, right: readonly number[]): void {
    const leaves = this.#leaves
    const ranked = topK(scores, RANKS)
    const rankedLeaves = leaves
      ? topK(
          Float64Array.from(leaves, (leaf) => scores[leaf] as number),
          RANKS,
        ).map((place) => leaves[place] as number)
      : ranked
    this.#add(ranked, rankedLeaves, right)
  }

  /** @param ranked label ids, the most likely first */
  addRanking(ranked: readonly number[], right: readonly number[]): void {
    this.#add(ranked, ranked.filter(this.#isLeaf), right)
  }

  /** NaN where no image counts. */
  result(): Readonly<Record<'mAP@100' | 'leafMAP@100' | 'weightedMAP@100', number>> {
    const popularity = this.#all.popularity()
    return {
      'mAP@100': this.#all.result(),
      'leafMAP@100': this.#leavesAlone.result(),
      'weightedMAP@100': this.#all.result((label) => popularity.get(label) ?? 0),
    }
  }

  #add(ranked: readonly number[], rankedLeaves: readonly number[], right: readonly number[]): void {
    this.#all.add(ranked, right)
    this.#leavesAlone.add(rankedLeaves, right.filter(this.#isLeaf))
  }
}
