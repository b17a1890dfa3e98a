/** Float64 references for gradients. */
import { createRandom } from '../../../src/support/random.ts'

/** Values in [-1, 1). */
export function randomValues(length: number, seed: number): Float32Array {
  const random = createRandom(seed)
  return Float32Array.from({ length }, () => random.next() * 2 - 1)
}

/** @returns the central difference of a function by one value of `at`, in float64 */
export function derivative(
  f: (at: Float64Array) => number,
  at: ArrayLike<number>,
  index: number,
  step: number,
): number {
  const shifted = (by: number) => {
    const values = Float64Array.from(at)
    values[index] = (values[index] as number) + by
    return f(values)
  }
  return (shifted(step) - shifted(-step)) / (2 * step)
}

/** @returns the largest |a - b| / max(1, |b|) */
export function worstError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let worst = a.length === b.length ? 0 : Number.POSITIVE_INFINITY
  for (let i = 0; i < b.length; i++) {
    const error = Math.abs((a[i] as number) - (b[i] as number)) / Math.max(1, Math.abs(b[i] as number))
    worst = error <= worst ? worst : error
  }
  return worst
}

/** @returns `count` different indices spread from 0 to `length`, or all if there are fewer */
export function someIndices(length: number, count: number): number[] {
  if (length <= count) return Array.from({ length }, (_, i) => i)
  return Array.from({ length: count }, (_, i) => Math.floor((i * length) / count))
}
