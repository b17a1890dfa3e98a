/** Small models, with weights drawn where their variables say. */
import type { Model } from '../../../src/models/model.ts'
import type { ResNetConfig } from '../../../src/models/resnet.ts'
import { createRandom, seedOf } from '../../../src/support/random.ts'
import { sizeOf, type VariableSpec } from '../../../src/support/variables.ts'
import { type Tensor, type Tensor4D, tf } from '../../../src/tensor/tf.ts'

export function config(settings: Partial<ResNetConfig> = {}): ResNetConfig {
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

/** Around the initialiser's values, and nowhere exactly 0 or 1: a test should see every variable. */
export function drawValues({ name, shape, init }: VariableSpec, seed: number): Float32Array {
  const random = createRandom(seedOf(seed, name))
  const centre = init.type === 'ones' ? 1 : init.type === 'constant' ? init.value : 0
  const spread = init.type === 'normal' ? init.stddev : 0.1
  return Float32Array.from({ length: sizeOf(shape) }, () => centre + spread * random.normal())
}

export function drawAll(model: Model, seed: number): Map<string, Float32Array> {
  return new Map(model.variables.map((variable) => [variable.name, drawValues(variable, seed)]))
}

export function drawWeights(model: Model, seed: number): Map<string, Tensor> {
  return new Map(
    model.variables.map((variable) => [variable.name, tf.tensor(drawValues(variable, seed), [...variable.shape])]),
  )
}

/** Noise in [-1, 1], always the same. */
export function image(batch: number, pixels: number): Tensor4D {
  const random = createRandom(pixels)
  const values = Float32Array.from({ length: batch * pixels * pixels * 3 }, () => random.next() * 2 - 1)
  return tf.tensor4d(values, [batch, pixels, pixels, 3])
}
