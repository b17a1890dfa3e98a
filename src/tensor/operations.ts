/**
 * A table of the operations that networks use, one for each backend. The defaults call tfjs operations. A backend that
 * has a faster implementation, such as a fused kernel, registers it here.
 */
import { batchNormTraining } from './batch-norm.ts'
import {
  type Conv2DAttributes,
  type Conv2DGradient,
  type Conv2DGradients,
  dilatedConv2DGradients,
} from './conv2d-gradients.ts'
import { type Tensor, type Tensor2D, type Tensor4D, tf } from './tf.ts'

export interface Operations {
  /** The gradient of tf.conv2d. */
  conv2dGradients: Conv2DGradient
  batchNormTraining: typeof batchNormTraining
  relu(x: Tensor4D): Tensor4D
  /** relu(a + b), the last operation of a residual unit. */
  addRelu(a: Tensor4D, b: Tensor4D): Tensor4D
  /** Over the last axis. */
  softmax(x: Tensor2D): Tensor2D
}

const stockConv2DGradient = tf.getGradient('Conv2D')

const composed: Operations = {
  conv2dGradients(dy, x, filter, attributes) {
    if (tf.backend_util.tupleValuesAreOne(attributes.dilations)) {
      return stockConv2DGradient.gradFunc(dy, [x, filter], attributes as never) as unknown as Conv2DGradients
    }
    return dilatedConv2DGradients(dy, x, filter, attributes)
  },
  batchNormTraining,
  relu: (x) => tf.relu(x),
  addRelu: (a, b) => tf.relu(tf.add(a, b)),
  softmax: (x) => tf.softmax(x),
}

const tables = new Map<string, Operations>()

/** @param own the operations that replace the defaults on this backend */
export function registerOperations(backend: string, own: Partial<Operations>): void {
  tables.set(backend, { ...composed, ...own })
}

/** The table of the current backend. */
export function operations(): Operations {
  return tables.get(tf.getBackend()) ?? composed
}

/** Replaces the gradient of tf.conv2d in tfjs by the one in the table of the current backend. */
export function registerConv2DGradient(): void {
  tf.registerGradient({
    ...stockConv2DGradient,
    gradFunc: (dy, saved, attributes) => {
      const [x, filter] = saved as [Tensor4D, Tensor4D]
      const gradients = operations().conv2dGradients(
        dy as Tensor4D,
        x,
        filter,
        attributes as unknown as Conv2DAttributes,
      )
      return gradients as unknown as Record<string, () => Tensor>
    },
  })
}
