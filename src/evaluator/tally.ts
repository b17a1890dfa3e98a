/** Gathers the scores of one checkpoint: on all images, and on those that are not excluded. */
import type { Score, SetScore } from '../contract/files.ts'
import type { Batch } from '../input/batch.ts'
import { DownpourError } from '../support/errors.ts'
import type { Scorer } from '../tasks/task.ts'

export class Tally {
  readonly #whole: Part
  readonly #reduced: Part | undefined
  readonly #excluded: ReadonlySet<string>

  /** @param excluded undefined: there are no reduced scores */
  constructor(scorer: () => Scorer, excluded: ReadonlySet<string> | undefined) {
    this.#whole = new Part(scorer())
    this.#reduced = excluded && new Part(scorer())
    this.#excluded = excluded ?? new Set()
  }

  add(predictions: readonly unknown[], { targets, ids }: Pick<Batch<unknown>, 'targets' | 'ids'>): void {
    this.#whole.add(predictions, targets, ids)
    const isKept = (_: unknown, i: number) => !this.#excluded.has(ids[i] as string)
    this.#reduced?.add(predictions.filter(isKept), targets.filter(isKept), ids.filter(isKept))
  }

  /** @param where the folder, for messages. @throws DownpourError DATA_EMPTY, DATA_EXCLUDE_ALL */
  result(where: string): Score {
    const whole = this.#whole.result()
    if (!whole) throw new DownpourError('DATA_EMPTY', `${where}: the evaluation set holds no example that can be used`)
    if (!this.#reduced) return whole
    const reduced = this.#reduced.result()
    if (reduced) return { ...whole, reduced }
    const message = `${where}: every image that can be read is in the list of excluded ones`
    throw new DownpourError('DATA_EXCLUDE_ALL', message)
  }
}

class Part {
  /** Pictures, of which some tasks have several samples, one after the other. */
  examples = 0
  #last: string | undefined
  readonly #scorer: Scorer

  constructor(scorer: Scorer) {
    this.#scorer = scorer
  }

  add(predictions: readonly unknown[], targets: readonly unknown[], ids: readonly string[]): void {
    this.#scorer.add(predictions, targets)
    for (const id of ids) {
      if (id !== this.#last) this.examples++
      this.#last = id
    }
  }

  /** @returns undefined without an example. A metric that is NaN or infinite is left out, because JSON has neither. */
  result(): SetScore | undefined {
    if (this.examples === 0) return undefined
    const finite = Object.entries(this.#scorer.result()).filter(([, value]) => Number.isFinite(value))
    return { metrics: Object.fromEntries(finite), examples: this.examples }
  }
}
