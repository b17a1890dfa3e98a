/** Runs a function of tensors operation by operation, and reads its results. */

import type { Compute } from './compute.ts'
import { namedTensors } from './named-tensors.ts'
import { type Tensor, tf } from './tf.ts'
import type { NamedValues, Output } from './values.ts'

/** @param into arrays that outputs are written to, by name */
export function runEagerly(
  compute: Compute,
  weights: ReadonlyMap<string, Tensor>,
  inputs: NamedValues,
  into: ReadonlyMap<string, Float32Array> = new Map(),
): ReadonlyMap<string, Output> {
  const tensors = namedTensors(inputs)
  const results = compute(weights, tensors)
  const outputs = [...results].map(([name, tensor]) => [name, readOut(tensor, into.get(name))] as const)
  tf.dispose([...results.values(), ...tensors.values()])
  return new Map(outputs)
}

function readOut(tensor: Tensor, into: Float32Array | undefined): Output {
  const read = tensor.dataSync() as Float32Array | Int32Array
  into?.set(read)
  return { shape: tensor.shape, values: into ?? read, finite: areFinite(read) }
}

/** Whether every value and its square are finite: 0 · x² is NaN for all others, and NaN sticks to the sum. */
function areFinite(values: Float32Array | Int32Array): boolean {
  let sum = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number
    sum += Math.fround(value * value) * 0
  }
  return sum === 0
}
