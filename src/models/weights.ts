import { DownpourError } from '../support/errors.ts'
import { sizeOf, type VariableSpec } from '../support/variables.ts'
import { tf } from '../tensor/tf.ts'
import type { Weights } from './layer.ts'

/**
 * Tensors of the variables, which the caller disposes of.
 * @param stored values by the name of the variable
 * @param folder the checkpoint, for messages
 * @throws DownpourError CHECKPOINT_INCOMPLETE, before any tensor is allocated
 */
export function toWeights(
  variables: readonly VariableSpec[],
  stored: ReadonlyMap<string, { readonly data: Float32Array }>,
  folder: string,
): Weights {
  const values = variables.map(({ name, shape }) => {
    const data = stored.get(name)?.data
    if (data?.length === sizeOf(shape)) return { name, shape, data }
    const found = data ? `${data.length} values` : 'none'
    const message = `${folder}: variable ${name}: expected ${sizeOf(shape)} values (${shape.join('×')}), found ${found}`
    throw new DownpourError('CHECKPOINT_INCOMPLETE', message, { folder, name })
  })
  return new Map(values.map(({ name, shape, data }) => [name, tf.tensor(data, [...shape])]))
}
