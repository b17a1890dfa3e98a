import { DownpourError } from '../support/errors.ts'
import { sizeOf, type VariableSpec } from '../support/variables.ts'
import { namedTensors } from '../tensor/named-tensors.ts'
import type { NamedValues } from '../tensor/values.ts'
import type { Weights } from './layer.ts'

/** Tensors of the variables, which the caller disposes of; otherwise as `weightValues`. */
export function toWeights(...args: Parameters<typeof weightValues>): Weights {
  return namedTensors(weightValues(...args))
}

/**
 * @param stored values by the name of the variable
 * @param folder the checkpoint, for messages
 * @throws DownpourError CHECKPOINT_INCOMPLETE
 */
export function weightValues(
  variables: readonly VariableSpec[],
  stored: ReadonlyMap<string, { readonly data: Float32Array }>,
  folder: string,
): NamedValues {
  const values = variables.map(({ name, shape }) => {
    const data = stored.get(name)?.data
    if (data?.length === sizeOf(shape)) return [name, { shape, values: data }] as const
    const found = data ? `${data.length} values` : 'none'
    const message = `${folder}: variable ${name}: expected ${sizeOf(shape)} values (${shape.join('×')}), found ${found}`
    throw new DownpourError('CHECKPOINT_INCOMPLETE', message, { folder, name })
  })
  return new Map(values)
}
