/** Histogram of staleness: the number of updates between the pull of the weights and the push of their gradient, up to 1000. */
export class StalenessHistogram {
  readonly #counts = new Uint32Array(1001)
  #total = 0
  #sum = 0
  #max = 0

  add(staleness: number): void {
    const bucket = Math.min(staleness, this.#counts.length - 1)
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#total++
    this.#sum += staleness
    this.#max = Math.max(this.#max, staleness)
  }

  summary(): { mean: number; p99: number; max: number } {
    return { mean: this.#total === 0 ? 0 : this.#sum / this.#total, p99: this.#quantile(0.99), max: this.#max }
  }

  #quantile(q: number): number {
    let seen = 0
    for (const [staleness, n] of this.#counts.entries()) {
      seen += n
      if (this.#total > 0 && seen >= q * this.#total) return staleness
    }
    return 0
  }
}
