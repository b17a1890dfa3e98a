/** Builds small models with random weights for their variables. */
import type { BackboneName } from '../../../src/models/architectures.ts'
import { buildBackbone } from '../../../src/models/backbone.ts'
import type { BatchNormOptions } from '../../../src/models/batch-norm.ts'
import { createPass, type Weights } from '../../../src/models/layer.ts'
import { createRandom, seedOf } from '../../../src/support/random.ts'
import { sizeOf, type VariableSpec } from '../../../src/support/variables.ts'
import { createTask as imagenetClassification } from '../../../src/tasks/imagenet-classification/task.ts'
import { createTask as multiLabel } from '../../../src/tasks/multi-label/task.ts'
import type { Task } from '../../../src/tasks/task.ts'
import { type Tensor, type Tensor1D, type Tensor2D, type Tensor4D, tf } from '../../../src/tensor/tf.ts'

export interface ModelSettings {
  backbone: BackboneName
  classes: number
  headSlices: number
  protocol: 'finetune' | 'frozen'
  loss: 'logistic' | 'softmax'
  batchNorm: BatchNormOptions
}

export interface Model extends Pick<Task, 'variables'> {
  task: Task
  forward(
    weights: Weights,
    images_BHWC: Tensor4D,
    mode: { training: boolean },
  ): { logits_BC: Tensor2D; statistics: ReadonlyMap<string, Tensor1D> }
}

/** Builds the network of a classification task, from weights and images to logits. */
export function buildModel({ backbone: name, classes, headSlices, protocol, loss, batchNorm }: ModelSettings): Model {
  const createTask = loss === 'logistic' ? multiLabel : imagenetClassification
  const backbone = buildBackbone({ name, freeze: protocol === 'frozen' ? 'all' : 'none', batchNorm })
  const task: Task = createTask({ classes, headSlices }, () => backbone)
  return {
    task,
    variables: task.variables,
    forward(weights, images_BHWC, mode) {
      const pass = createPass(weights, mode)
      return { logits_BC: task.infer(pass, images_BHWC).logits_BC as Tensor2D, statistics: pass.statistics }
    },
  }
}

export function config(settings: Partial<ModelSettings> = {}): ModelSettings {
  return {
    backbone: 'resnet-mini',
    classes: 5,
    headSlices: 1,
    protocol: 'finetune',
    loss: 'logistic',
    batchNorm: { epsilon: 1e-3 },
    ...settings,
  }
}

/** Draws values near those of the initialiser, but never exactly 0 or 1, so that every variable affects the result. */
export function drawValues({ name, shape, init }: VariableSpec, seed: number): Float32Array {
  const random = createRandom(seedOf(seed, name))
  const centre = init.type === 'ones' ? 1 : init.type === 'constant' ? init.value : 0
  const spread = init.type === 'normal' ? init.stddev : 0.1
  return Float32Array.from({ length: sizeOf(shape) }, () => centre + spread * random.normal())
}

export function drawAll(model: Model, seed: number): Map<string, Float32Array> {
  return new Map(model.variables.map((variable) => [variable.name, drawValues(variable, seed)]))
}

export function drawWeights(model: Pick<Task, 'variables'>, seed: number): Map<string, Tensor> {
  return new Map(
    model.variables.map((variable) => [variable.name, tf.tensor(drawValues(variable, seed), [...variable.shape])]),
  )
}

/** Noise in [-1, 1] from a fixed seed. */
export function image(batch: number, pixels: number): Tensor4D {
  const random = createRandom(pixels)
  const values = Float32Array.from({ length: batch * pixels * pixels * 3 }, () => random.next() * 2 - 1)
  return tf.tensor4d(values, [batch, pixels, pixels, 3])
}
