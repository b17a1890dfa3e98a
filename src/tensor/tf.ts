/** The union package, because only it registers gradients. CommonJS, so that all packages share one kernel registry. */
import { createRequire } from 'node:module'
import type * as TensorFlow from '@tensorflow/tfjs'

const require = createRequire(import.meta.url)

export const tf = require('@tensorflow/tfjs') as typeof TensorFlow
export type {
  KernelBackend,
  KernelConfig,
  NamedTensorMap,
  Scalar,
  Tensor,
  Tensor1D,
  Tensor2D,
  Tensor4D,
} from '@tensorflow/tfjs'
