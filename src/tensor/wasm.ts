/** The operations that the WASM backend implements differently from tfjs. */
import { composeConv2DGradients } from './conv2d-gradients.ts'
import type { Operations } from './operations.ts'
import { type KernelBackend, type KernelConfig, type Tensor, type Tensor4D, tf } from './tf.ts'

export const wasmOperations: Partial<Operations> = { conv2dGradients: composeConv2DGradients(flipFilter) }

/**
 * Replaces the kernel Identity of tfjs, which copies all values, by one that shares them, as its kernel Reshape does. tfjs
 * clones every tensor that a gradient needs, so the copies take a twelfth of a step of resnet-mini.
 */
export function shareIdentity(): void {
  const copying = tf.getKernel('Identity', 'wasm')
  const sharing: KernelConfig = {
    ...copying,
    kernelFunc: (call) => {
      const { x } = call.inputs as { x: Tensor }
      if (x.dtype === 'string') return copying.kernelFunc(call)
      ;(call.backend as KernelBackend).incRef(x.dataId)
      return { dataId: x.dataId, shape: x.shape, dtype: x.dtype }
    },
  }
  tf.unregisterKernel('Identity', 'wasm')
  tf.registerKernel(sharing)
}

/** A loop over the values, because tf.reverse takes ten times as long. On WASM dataSync costs one copy. */
function flipFilter(filter: Tensor4D): Tensor4D {
  const [height, width, inChannels, outChannels] = filter.shape
  const values = filter.dataSync()
  const flipped = new Float32Array(values.length)
  const tapLength = inChannels * outChannels
  for (let tap = 0; tap < height * width; tap++) {
    const from = values.length - (tap + 1) * tapLength
    const to = tap * tapLength
    for (let i = 0; i < inChannels; i++) {
      for (let o = 0; o < outChannels; o++) {
        flipped[to + o * inChannels + i] = values[from + i * outChannels + o] as number
      }
    }
  }
  return tf.tensor4d(flipped, [height, width, outChannels, inChannels])
}
