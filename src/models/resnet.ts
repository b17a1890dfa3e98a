/**
 * ResNet v1 in the slim form (paper.md §4.5): bottleneck units, the stride of a block in the 3×3 of its last unit,
 * explicit padding before strided convolutions, batch norm after every convolution, no convolution bias.
 */

import { DownpourError } from '../support/errors.ts'
import type { VariableSpec } from '../support/variables.ts'
import { batchNormTraining } from '../tensor/batch-norm.ts'
import type { Tensor1D, Tensor2D, Tensor4D } from '../tensor/tf.ts'
import { tf } from '../tensor/tf.ts'
import { applyHead, headVariables } from './head.ts'
import type { ForwardResult, Model, Weights } from './model.ts'

export interface ResNetConfig {
  backbone: string
  classes: number
  headSlices: number
  /** frozen: only the head trains, batch norm uses its moving statistics. */
  protocol: 'finetune' | 'frozen'
  loss: 'logistic' | 'softmax'
  batchNorm: { epsilon: number }
}

interface Shape {
  root: { kernel: number; stride: number; channels: number; pool: boolean }
  blocks: readonly { base: number; units: number; stride: number }[]
}

interface Unit {
  name: string
  inChannels: number
  base: number
  stride: number
}

const EXPANSION = 4
const IMAGENET_ROOT = { kernel: 7, stride: 2, channels: 64, pool: true }
const imagenetShape = (units: readonly [number, number, number, number]): Shape => ({
  root: IMAGENET_ROOT,
  blocks: units.map((count, i) => ({ base: 64 << i, units: count, stride: i < 3 ? 2 : 1 })),
})

/** resnet-mini is ours: for 32×32 images, a few hundred images a second on one core. */
const SHAPES: Readonly<Record<string, Shape>> = {
  resnet50: imagenetShape([3, 4, 6, 3]),
  resnet101: imagenetShape([3, 4, 23, 3]),
  resnet152: imagenetShape([3, 8, 36, 3]),
  'resnet-mini': {
    root: { kernel: 3, stride: 2, channels: 24, pool: false },
    blocks: [
      { base: 16, units: 1, stride: 1 },
      { base: 24, units: 1, stride: 2 },
      { base: 32, units: 2, stride: 1 },
    ],
  },
}
export const BACKBONES = Object.keys(SHAPES)

/** Declares the variables and allocates nothing. @throws DownpourError CONFIG_INVALID */
export function buildModel(config: ResNetConfig): Model {
  const shape = SHAPES[config.backbone] ?? unknownBackbone(config.backbone)
  const units = unitsOf(shape)
  const features = (shape.blocks.at(-1)?.base ?? 0) * EXPANSION
  const frozen = config.protocol === 'frozen'
  const backbone = [...rootVariables(shape), ...units.flatMap(unitVariables)]
  return {
    variables: [...(frozen ? backbone.map(freeze) : backbone), ...headVariables(config, features)],
    forward(weights, images_BHWC, { training }) {
      const pass = new Pass(weights, training && !frozen, config.batchNorm.epsilon)
      const features_BF = tf.mean(
        units.reduce((x, unit) => pass.unit(x, unit), pass.root(images_BHWC, shape.root)),
        [1, 2],
      )
      return pass.result(applyHead(weights, features_BF as Tensor2D, config.headSlices))
    },
  }
}

function unknownBackbone(backbone: string): never {
  throw new DownpourError('CONFIG_INVALID', `model.backbone: ${backbone}: expected one of ${BACKBONES.join(', ')}`)
}

function unitsOf({ root, blocks }: Shape): Unit[] {
  let inChannels = root.channels
  return blocks.flatMap(({ base, units, stride }, block) =>
    Array.from({ length: units }, (_, i) => {
      const unit = { name: `block${block + 1}/unit_${i + 1}`, inChannels, base, stride: i === units - 1 ? stride : 1 }
      inChannels = base * EXPANSION
      return unit
    }),
  )
}

function rootVariables({ root }: Shape): VariableSpec[] {
  return convolution('root', root.kernel, 3, root.channels)
}

function unitVariables({ name, inChannels, base }: Unit): VariableSpec[] {
  const out = base * EXPANSION
  return [
    ...(inChannels === out ? [] : convolution(`${name}/shortcut`, 1, inChannels, out)),
    ...convolution(`${name}/conv1`, 1, inChannels, base),
    ...convolution(`${name}/conv2`, 3, base, base),
    ...convolution(`${name}/conv3`, 1, base, out),
  ]
}

/** A convolution and the batch norm behind it. He initialisation: stddev √(2 / fan-in). */
function convolution(name: string, kernel: number, inChannels: number, outChannels: number): VariableSpec[] {
  const stddev = Math.sqrt(2 / (kernel * kernel * inChannels))
  const vector = { shape: [outChannels], decay: false } as const
  return [
    {
      name: `${name}/weights`,
      shape: [kernel, kernel, inChannels, outChannels],
      kind: 'trainable',
      decay: true,
      init: { type: 'normal', stddev },
    },
    { name: `${name}/gamma`, ...vector, kind: 'trainable', init: { type: 'ones' } },
    { name: `${name}/beta`, ...vector, kind: 'trainable', init: { type: 'zeros' } },
    { name: `${name}/moving_mean`, ...vector, kind: 'statistic', init: { type: 'zeros' } },
    { name: `${name}/moving_variance`, ...vector, kind: 'statistic', init: { type: 'ones' } },
  ]
}

function freeze(variable: VariableSpec): VariableSpec {
  return { ...variable, kind: 'frozen' }
}

/** One forward pass: the weights it reads and the batch statistics it leaves. */
class Pass {
  readonly #weights: Weights
  readonly #training: boolean
  readonly #epsilon: number
  readonly #statistics = new Map<string, Tensor1D>()

  constructor(weights: Weights, training: boolean, epsilon: number) {
    this.#weights = weights
    this.#training = training
    this.#epsilon = epsilon
  }

  root(x_BHWC: Tensor4D, { kernel, stride, pool }: Shape['root']): Tensor4D {
    const y_BHWC = tf.relu(this.#convolve(x_BHWC, 'root', kernel, stride))
    return pool ? tf.maxPool(y_BHWC, 3, 2, 'same') : y_BHWC
  }

  unit(x_BHWC: Tensor4D, { name, inChannels, base, stride }: Unit): Tensor4D {
    const shortcut = this.#shortcut(x_BHWC, name, inChannels === base * EXPANSION, stride)
    const reduced = tf.relu(this.#convolve(x_BHWC, `${name}/conv1`, 1, 1))
    const middle = tf.relu(this.#convolve(reduced, `${name}/conv2`, 3, stride))
    return tf.relu(tf.add(shortcut, this.#convolve(middle, `${name}/conv3`, 1, 1)))
  }

  result(logits_BC: Tensor2D): ForwardResult {
    return { logits_BC, statistics: this.#statistics }
  }

  #shortcut(x_BHWC: Tensor4D, name: string, sameDepth: boolean, stride: number): Tensor4D {
    if (!sameDepth) return this.#convolve(x_BHWC, `${name}/shortcut`, 1, stride)
    return stride > 1 ? tf.maxPool(x_BHWC, 1, stride, 'same') : x_BHWC
  }

  #convolve(x_BHWC: Tensor4D, name: string, kernel: number, stride: number): Tensor4D {
    const filter = this.#weight(`${name}/weights`) as Tensor4D
    return this.#normalise(
      stride > 1 && kernel > 1 ? paddedConv(x_BHWC, filter, kernel, stride) : tf.conv2d(x_BHWC, filter, stride, 'same'),
      name,
    )
  }

  #normalise(x_BHWC: Tensor4D, name: string): Tensor4D {
    const gamma = this.#weight(`${name}/gamma`) as Tensor1D
    const beta = this.#weight(`${name}/beta`) as Tensor1D
    if (!this.#training) {
      const mean = this.#weight(`${name}/moving_mean`) as Tensor1D
      const variance = this.#weight(`${name}/moving_variance`) as Tensor1D
      return tf.batchNorm(x_BHWC, mean, variance, beta, gamma, this.#epsilon)
    }
    const { y_BHWC, mean_C, variance_C } = batchNormTraining(x_BHWC, gamma, beta, this.#epsilon)
    this.#statistics.set(`${name}/moving_mean`, mean_C)
    this.#statistics.set(`${name}/moving_variance`, variance_C)
    return y_BHWC
  }

  #weight(name: string) {
    const weight = this.#weights.get(name)
    if (!weight) throw new RangeError(`weights lack ${name}`)
    return weight
  }
}

/** Pads by hand and then VALID: 'same' would pad a strided convolution by what the image size happens to need. */
function paddedConv(x_BHWC: Tensor4D, filter: Tensor4D, kernel: number, stride: number): Tensor4D {
  const before = Math.floor((kernel - 1) / 2)
  const pad: [number, number] = [before, kernel - 1 - before]
  return tf.conv2d(tf.pad(x_BHWC, [[0, 0], pad, pad, [0, 0]]), filter, stride, 'valid')
}
