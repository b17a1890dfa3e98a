/** A tensor's values outside of any backend. */
export interface Values {
  readonly shape: readonly number[]
  readonly values: Float32Array | Int32Array
}
