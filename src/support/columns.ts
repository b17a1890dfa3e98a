/** Arrays of numbers that grow while a file is read. */

const FIRST_CAPACITY = 1024

export class NumberColumn {
  #values = new Float64Array(FIRST_CAPACITY)
  #count = 0

  get count(): number {
    return this.#count
  }

  push(...values: readonly number[]): void {
    if (this.#count + values.length > this.#values.length) this.#grow(this.#count + values.length)
    this.#values.set(values, this.#count)
    this.#count += values.length
  }

  /** What was pushed; a later push may not show in it. */
  values(): Float64Array {
    return this.#values.subarray(0, this.#count)
  }

  #grow(needed: number): void {
    const grown = new Float64Array(Math.max(needed, this.#values.length * 2))
    grown.set(this.#values)
    this.#values = grown
  }
}
