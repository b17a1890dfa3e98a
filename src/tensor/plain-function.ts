/** Functions of plain arrays in the middle of a network, for what tensor operations express badly: sorting, sampling. */
import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs'
import { type Tensor, tf } from './tf.ts'
import type { Values } from './values.ts'

const KERNEL = 'DownpourPlainFunction'

export type PlainFunction = (inputs: readonly (Float32Array | Int32Array)[]) => readonly Values[]

/**
 * Reads the inputs, which waits for the backend, and returns the outputs as tensors. No gradient passes.
 * It runs as a kernel of the backend, so that its outputs are results of the step and not constants of its batch.
 */
export function plainFunction(inputs: readonly Tensor[], compute: PlainFunction): Tensor[] {
  const backendName = tf.getBackend()
  if (!tf.getKernel(KERNEL, backendName)) tf.registerKernel({ kernelName: KERNEL, backendName, kernelFunc })
  // As attributes the inputs are invisible to the gradient tape, so backpropagation stops here.
  const attributes = { inputs, compute } as never
  return tf.engine().runKernel(KERNEL, {}, attributes) as Tensor[]
}

const kernelFunc: KernelFunc = ({ attrs, backend }) => {
  const { inputs, compute } = attrs as unknown as { inputs: readonly Tensor[]; compute: PlainFunction }
  const outputs = compute(inputs.map((input) => input.dataSync() as Float32Array | Int32Array))
  const { write } = backend as { write(values: unknown, shape: number[], dtype: string): object }
  return outputs.map(({ shape, values }): TensorInfo => {
    const dtype = values instanceof Int32Array ? 'int32' : 'float32'
    return { dataId: write.call(backend, values, [...shape], dtype), shape: [...shape], dtype }
  })
}
