/** What every evaluation of result files returns. */
export interface Scores {
  /** The first is the headline. -1: no object of the range is in the ground truth. NaN: not defined. */
  readonly summary: Readonly<Record<string, number>>
  /** The headline of each category. */
  readonly byCategory: Readonly<Record<string, number>>
  readonly images: number
  readonly warnings: readonly string[]
}
