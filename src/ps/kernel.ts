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

/** One kernel of several that run over the same elements, such as those of a shard, in their order. */
export interface KernelCall {
  readonly name: string
  /** The first element. */
  readonly start: number
  readonly length: number
  /** Of `start` in each array, in bytes from the start of the memory. */
  readonly positions: readonly number[]
  readonly scalars: readonly number[]
}

export function kernelCall<Arrays extends string, Scalars extends string>(
  { name, arrays, scalars }: ElementKernel<Arrays, Scalars>,
  positions: Readonly<Record<Arrays, number>>,
  { start = 0, length }: { start?: number; length: number },
  values: Readonly<Record<Scalars, number>>,
): KernelCall {
  const numbers = scalars.map((scalar) => values[scalar])
  return { name, start, length, positions: arrays.map((array) => positions[array]), scalars: numbers }
}
