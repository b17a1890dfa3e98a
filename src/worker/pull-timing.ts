/**
 * When during a step the weights of the next one are pulled: as late as they are still likely to arrive in time, because
 * the staleness of a gradient counts from the pull of its weights.
 */

/** Recent steps and pulls that count: one that takes long by chance must not matter for ever. */
const REMEMBERED = 8
/** For pulls that take longer than the longest of them. */
const MARGIN = 2

export class PullTiming {
  #stepMs: number[] = []
  #pullMs: number[] = []

  /** @param ms from the beginning of a step until the weights of the next one are needed */
  noteStep(ms: number): void {
    this.#stepMs = [...this.#stepMs, ms].slice(-REMEMBERED)
  }

  notePull(ms: number): void {
    this.#pullMs = [...this.#pullMs, ms].slice(-REMEMBERED)
  }

  /** How long after the beginning of a step the pull should begin; 0: at once. */
  get startMs(): number {
    if (this.#stepMs.length === 0 || this.#pullMs.length === 0) return 0
    return Math.max(0, Math.min(...this.#stepMs) - MARGIN * Math.max(...this.#pullMs))
  }
}
