import type { Clock } from '../support/clock.ts'

const WINDOW_SECONDS = 20
const SMOOTHING = 0.05

/** A second of the window: its number, and the examples and steps in it. */
interface Slot {
  second: number
  examples: number
  steps: number
}

/** Rates over the last 20 seconds and a smoothed loss, from applied pushes. */
export class Progress {
  readonly #clock: Clock
  readonly #startedAt: number
  readonly #seconds: Slot[] = Array.from({ length: WINDOW_SECONDS + 1 }, () => ({ second: -1, examples: 0, steps: 0 }))
  #loss: number | null = null
  #lossSum = 0
  #lossCount = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#startedAt = clock.monotonicMs()
  }

  /** Call for each applied push. */
  record(loss: number | null, examples: number): void {
    this.#slot().examples += examples
    if (loss === null) return
    this.#loss = this.#loss === null ? loss : this.#loss + SMOOTHING * (loss - this.#loss)
    this.#lossSum += loss
    this.#lossCount++
  }

  /** Call for each update. */
  recordStep(): void {
    this.#slot().steps++
  }

  get loss(): number | null {
    return this.#loss
  }

  /** Mean since the last call; null if no push had a loss. */
  takeMeanLoss(): number | null {
    const mean = this.#lossCount === 0 ? null : this.#lossSum / this.#lossCount
    this.#lossSum = 0
    this.#lossCount = 0
    return mean
  }

  /** The present second. */
  #slot(): Slot {
    const second = Math.floor(this.#clock.monotonicMs() / 1000)
    const slot = this.#seconds[second % this.#seconds.length] as Slot
    if (slot.second !== second) Object.assign(slot, { second, examples: 0, steps: 0 })
    return slot
  }

  rates(): { examplesPerSecond: number; stepsPerSecond: number } {
    const nowMs = this.#clock.monotonicMs()
    const oldest = Math.floor(nowMs / 1000) - WINDOW_SECONDS
    const recent = this.#seconds.filter(({ second }) => second > oldest)
    const seconds = Math.max(0.1, Math.min(WINDOW_SECONDS, (nowMs - this.#startedAt) / 1000))
    const sum = (pick: (slot: { examples: number; steps: number }) => number) =>
      recent.reduce((total, slot) => total + pick(slot), 0) / seconds
    return { examplesPerSecond: sum((slot) => slot.examples), stepsPerSecond: sum((slot) => slot.steps) }
  }
}
