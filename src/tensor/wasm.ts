/** The operations that the WASM backend implements differently from tfjs. */
import { type Conv2DGradient, conv2DInfo } from './conv2d-gradients.ts'
import type { Operations } from './operations.ts'
import { wasmBatchNormTraining } from './wasm-batch-norm.ts'
import { filterGradient, inputGradient } from './wasm-conv2d.ts'
import { asTensor } from './wasm-heap.ts'
import { wasmAddRelu, wasmRelu } from './wasm-relu.ts'

const conv2dGradients: Conv2DGradient = (dy, x, filter, attributes) => {
  const info = conv2DInfo(x.shape, filter.shape, attributes)
  return {
    x: () => asTensor(inputGradient(dy, filter, info)),
    filter: () => asTensor(filterGradient(x, dy, info)),
  }
}

export const wasmOperations: Partial<Operations> = {
  conv2dGradients,
  batchNormTraining: wasmBatchNormTraining,
  relu: wasmRelu,
  addRelu: wasmAddRelu,
}
