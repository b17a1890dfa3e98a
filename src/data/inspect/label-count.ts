import type { ClassLabels } from '../dataset.ts'
import type { LabelMap } from '../labels.ts'

/** Counts stored labels; where records have the truth, also how many are wrong. */
export class LabelCount {
  readonly #labels: LabelMap
  readonly #perLabel: number[]
  #images = 0
  #stored = 0
  #judged = 0
  #wrong = 0

  constructor(labels: LabelMap) {
    this.#labels = labels
    this.#perLabel = new Array<number>(labels.size).fill(0)
  }

  /** @returns a label that is not in the map; nothing is counted then */
  add({ labels, truth }: ClassLabels): number | undefined {
    const unknown = labels.find((label) => !(label in this.#perLabel))
    if (unknown !== undefined) return unknown
    this.#images++
    this.#stored += labels.length
    for (const label of labels) this.#perLabel[label] = (this.#perLabel[label] as number) + 1
    if (truth) this.#judge(labels, new Set(this.#labels.close(truth)))
  }

  /** Stored labels an image. */
  get mean(): number {
    return this.#stored / Math.max(1, this.#images)
  }

  get images(): number {
    return this.#images
  }

  /** Share of stored labels that are wrong; undefined if no record has the truth. */
  get wrongShare(): number | undefined {
    return this.#judged === 0 ? undefined : this.#wrong / this.#judged
  }

  /** Label ids with their counts, most frequent first, without labels that were never seen. */
  ranked(): { id: number; count: number }[] {
    const seen = this.#perLabel.map((count, id) => ({ id, count })).filter(({ count }) => count > 0)
    return seen.sort((a, b) => b.count - a.count || a.id - b.id)
  }

  neverSeen(): number[] {
    return this.#perLabel.flatMap((count, id) => (count === 0 ? [id] : []))
  }

  #judge(labels: readonly number[], truth: ReadonlySet<number>): void {
    this.#judged += labels.length
    this.#wrong += labels.filter((label) => !truth.has(label)).length
  }
}
