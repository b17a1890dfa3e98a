import { type Tensor, tf } from './tf.ts'
import type { Values } from './values.ts'

/** The caller disposes of the tensors. */
export function valueTensors(values: Readonly<Record<string, Values>>): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(values).map(([name, { shape, values }]) => [name, tf.tensor(values, [...shape])]),
  )
}
