/** Replaces kernels that tfjs has on WASM by faster ones. */

import { type Conv2DAttributes, conv2DInfo } from './conv2d-gradients.ts'
import { type KernelBackend, type KernelConfig, type Tensor, type Tensor4D, tf } from './tf.ts'
import { applyBatchNorm, type BatchNormVectors } from './wasm-batch-norm.ts'
import { convolve } from './wasm-conv2d.ts'
import { type MatMulAttributes, multiplyMatrices } from './wasm-matmul.ts'
import { type MaxPoolAttributes, maxPoolGradient } from './wasm-max-pool.ts'

type KernelFunc = KernelConfig['kernelFunc']

export function replaceKernels(): void {
  for (const [name, replacement] of Object.entries(REPLACEMENTS)) {
    const stock = tf.getKernel(name, 'wasm')
    tf.unregisterKernel(name, 'wasm')
    tf.registerKernel({ ...stock, kernelFunc: replacement(stock.kernelFunc) })
  }
}

/** Each gets the stock kernel, for what it does not compute itself. */
const REPLACEMENTS: Readonly<Record<string, (stock: KernelFunc) => KernelFunc>> = {
  /**
   * The stock kernel copies all values; this one shares them, as the kernel Reshape does. tfjs clones every tensor that a
   * gradient needs, so the copies take a twelfth of a step of resnet-mini.
   */
  Identity: (stock) => (call) => {
    const { x } = call.inputs as { x: Tensor }
    if (x.dtype === 'string') return stock(call)
    ;(call.backend as KernelBackend).incRef(x.dataId)
    return { dataId: x.dataId, shape: x.shape, dtype: x.dtype }
  },

  Conv2D: (stock) => (call) => {
    const { x, filter } = call.inputs as { x: Tensor4D; filter: Tensor4D }
    const attributes = call.attrs as unknown as Conv2DAttributes & { dataFormat: 'NHWC' | 'NCHW' }
    if (attributes.dataFormat !== 'NHWC') return stock(call)
    return convolve(x, filter, conv2DInfo(x.shape, filter.shape, attributes))
  },

  FusedBatchNorm: (stock) => (call) => {
    const { x, mean, variance, scale, offset } = call.inputs as Record<string, Tensor> & { x: Tensor4D }
    const isOfChannels = [mean, variance, scale, offset].every((vector) => vector?.size === x.shape[3])
    if (!isOfChannels) return stock(call)
    const vectors = { mean_C: mean, variance_C: variance, gamma_C: scale, beta_C: offset } as BatchNormVectors
    return applyBatchNorm(x, vectors, (call.attrs as { varianceEpsilon: number }).varianceEpsilon)
  },

  MaxPoolGrad: () => (call) => {
    const { dy, input } = call.inputs as { dy: Tensor4D; input: Tensor4D }
    return maxPoolGradient(input, dy, call.attrs as unknown as MaxPoolAttributes)
  },

  BatchMatMul: (stock) => (call) => {
    const { a, b } = call.inputs as { a: Tensor; b: Tensor }
    return multiplyMatrices(a, b, call.attrs as unknown as MatMulAttributes) ?? stock(call)
  },
}
