/** A tensor's values outside of any backend. */
export interface Values {
  readonly shape: readonly number[]
  readonly values: Float32Array | Int32Array
}

export type NamedValues = ReadonlyMap<string, Values>

export interface Output extends Values {
  /** Whether every value and its square are finite; the square, because optimizers store it. */
  readonly finite: boolean
}
