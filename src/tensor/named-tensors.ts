import { type Tensor, tf } from './tf.ts'
import type { NamedValues } from './values.ts'

/** The caller disposes of the tensors. Some backends share the arrays, so they must not change meanwhile. */
export function namedTensors(values: NamedValues): Map<string, Tensor> {
  return new Map([...values].map(([name, { shape, values }]) => [name, tf.tensor(values, [...shape])]))
}
