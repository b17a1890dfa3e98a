/**
 * A loop over arrays of equal length, written once for one element. `tools/build-kernels.ts` compiles it into
 * kernels.wasm twice: four lanes at a time, and one by one for the 0-3 elements left over.
 */
export interface ElementKernel<Arrays extends string = string, Scalars extends string = string> {
  /** Name of the exported function. */
  readonly name: string
  readonly arrays: readonly Arrays[]
  readonly scalars: readonly Scalars[]
  /**
   * One assignment a line, float32: + - * / sqrt() and parentheses, in the order that they are written. An assignment
   * to an array stores the element; any other name is a temporary value.
   */
  readonly formula: string
}

export function elementKernel<Arrays extends string, Scalars extends string>(
  kernel: ElementKernel<Arrays, Scalars>,
): ElementKernel<Arrays, Scalars> {
  return kernel
}

/** A compiled kernel: positions of the arrays in bytes, their elements, then scalars. */
export type KernelFunction = (...numbers: number[]) => void
