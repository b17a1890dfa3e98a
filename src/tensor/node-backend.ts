/** The part of the backend of @tensorflow/tfjs-node-gpu that runs TensorFlow's own operations. */
import { type Tensor, tf } from './tf.ts'

export interface Attribute {
  readonly name: string
  /** One of the constants TF_ATTR_… of the binding. */
  readonly type: number
  readonly value: unknown
}

export interface Binding {
  readonly TF_FLOAT: number
  readonly TF_BOOL: number
  readonly TF_ATTR_STRING: number
  readonly TF_ATTR_INT: number
  readonly TF_ATTR_FLOAT: number
  readonly TF_ATTR_BOOL: number
  readonly TF_ATTR_TYPE: number
  readonly TF_ATTR_SHAPE: number
  /** @returns the id of a new tensor, which shares the memory of the array if that is aligned */
  createTensor(shape: readonly number[], dtype: number, values: ArrayLike<number>): number
  executeOp(
    name: string,
    attributes: readonly Attribute[],
    inputs: readonly number[],
    outputs: number,
  ): readonly { readonly id: number }[]
  tensorDataSync(id: number): ArrayLike<number>
}

export interface NodeBackend {
  binding: Binding
  readonly isUsingGpuDevice: boolean
  /** `id` is valid once an operation has used the tensor. */
  readonly tensorMap: { get(dataId: object): { readonly id: number } }
  typeAttributeFromTensor(tensor: Tensor): number
  executeSingleOutput(name: string, attributes: readonly Attribute[], inputs: readonly Tensor[]): Tensor
  executeMultipleOutputs(
    name: string,
    attributes: readonly Attribute[],
    inputs: readonly Tensor[],
    outputs: number,
  ): Tensor[]
}

/** Call only while the backend is `tensorflow`. */
export function nodeBackend(): NodeBackend {
  return tf.backend() as unknown as NodeBackend
}
