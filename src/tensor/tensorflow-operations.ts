/**
 * The operations that native TensorFlow has as one kernel. Composed, the gradient of ReLU takes four kernels and that of
 * batch norm a dozen. B batch, H W pixels, C channels.
 */
import type { NamedTensorMap } from '@tensorflow/tfjs'
import type { Normalised } from './batch-norm.ts'
import { type Attribute, nodeBackend } from './node-backend.ts'
import type { Operations } from './operations.ts'
import { type Tensor, type Tensor1D, type Tensor4D, tf } from './tf.ts'

type Save = (tensors: Tensor[]) => void

export const tensorflowOperations: Partial<Operations> = {
  batchNormTraining,
  relu,
  addRelu: (a, b) => relu(tf.add(a, b)),
  // TensorFlow's kernel Softmax is another one in a graph, and rounds differently.
  softmax: (x) => tf.exp(tf.logSoftmax(x)),
}

function relu(x_BHWC: Tensor4D): Tensor4D {
  const rectify = tf.customGrad((x, save) => {
    const y = tf.relu(x as Tensor)
    ;(save as Save)([y])
    const gradFunc = (dy: Tensor, saved: Tensor[] | NamedTensorMap) =>
      nodeBackend().executeSingleOutput('ReluGrad', [floatType('T')], [dy, (saved as Tensor[])[0] as Tensor])
    return { value: y, gradFunc }
  })
  return rectify(x_BHWC) as Tensor4D
}

/** As `batchNormTraining` of batch-norm.ts. TensorFlow also returns what the gradient needs. */
function batchNormTraining(x_BHWC: Tensor4D, gamma_C: Tensor1D, beta_C: Tensor1D, epsilon: number): Normalised {
  const attributes = batchNormAttributes(epsilon)
  const none = tf.tensor1d([])
  // Outside of customGrad, which would dispose of the moments.
  const [y, mean_C, variance_C, ...reserved] = nodeBackend().executeMultipleOutputs(
    'FusedBatchNormV3',
    [...attributes, floatAttribute('exponential_avg_factor', 1)],
    [x_BHWC, gamma_C, beta_C, none, none],
    6,
  ) as [Tensor4D, Tensor1D, Tensor1D, ...Tensor[]]
  const normalise = tf.customGrad((x, gamma, _, save) => {
    ;(save as Save)([x as Tensor, gamma as Tensor, ...reserved])
    const gradFunc = (dy: Tensor, saved: Tensor[] | NamedTensorMap) =>
      nodeBackend()
        .executeMultipleOutputs('FusedBatchNormGradV3', attributes, [dy, ...(saved as Tensor[])], 5)
        .slice(0, 3)
    return { value: y, gradFunc }
  })
  return { y_BHWC: normalise(x_BHWC, gamma_C, beta_C) as Tensor4D, mean_C, variance_C }
}

function batchNormAttributes(epsilon: number): Attribute[] {
  const { TF_ATTR_STRING, TF_ATTR_BOOL } = nodeBackend().binding
  return [
    floatType('T'),
    floatType('U'),
    floatAttribute('epsilon', epsilon),
    { name: 'data_format', type: TF_ATTR_STRING, value: 'NHWC' },
    { name: 'is_training', type: TF_ATTR_BOOL, value: true },
  ]
}

function floatType(name: string): Attribute {
  const { TF_ATTR_TYPE, TF_FLOAT } = nodeBackend().binding
  return { name, type: TF_ATTR_TYPE, value: TF_FLOAT }
}

function floatAttribute(name: string, value: number): Attribute {
  return { name, type: nodeBackend().binding.TF_ATTR_FLOAT, value }
}
