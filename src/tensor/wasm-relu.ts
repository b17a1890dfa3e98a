/** ReLU whose gradient is one pass: tfjs takes four, for a step function, a cast and products. */
import type { NamedTensorMap } from '@tensorflow/tfjs'
import { type Tensor, type Tensor4D, tf } from './tf.ts'
import { addressOf, allocate, asTensor, kernels } from './wasm-heap.ts'

export function wasmRelu(x_BHWC: Tensor4D): Tensor4D {
  const relu = tf.customGrad((x, save) => {
    const value = tf.relu(x as Tensor4D)
    ;(save as (tensors: Tensor[]) => void)([value])
    return { value, gradFunc: (dy: Tensor, saved: Tensor[] | NamedTensorMap) => gradient(dy, saved) }
  })
  return relu(x_BHWC) as Tensor4D
}

export function wasmAddRelu(a_BHWC: Tensor4D, b_BHWC: Tensor4D): Tensor4D {
  const addRelu = tf.customGrad((a, b, save) => {
    const value = asTensor<Tensor4D>(allocate(a_BHWC.shape))
    kernels().addRelu(addressOf(a as Tensor), addressOf(b as Tensor), addressOf(value), value.size)
    ;(save as (tensors: Tensor[]) => void)([value])
    const gradFunc = (dy: Tensor, saved: Tensor[] | NamedTensorMap) => {
      const shared = gradient(dy, saved)
      return [shared, shared.clone()]
    }
    return { value, gradFunc }
  })
  return addRelu(a_BHWC, b_BHWC) as Tensor4D
}

/** dy where the output is positive, else 0. */
function gradient(dy: Tensor, saved: Tensor[] | NamedTensorMap): Tensor {
  const [y] = saved as [Tensor]
  const dx = asTensor(allocate(y.shape))
  kernels().reluGradient(addressOf(dy), addressOf(y), addressOf(dx), dx.size)
  return dx
}
