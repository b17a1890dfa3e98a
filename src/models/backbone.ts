/** A network without a head: it computes features of several strides from images, and tasks add heads to them. */
import { DownpourError } from '../support/errors.ts'
import { type Tensor4D, tf } from '../tensor/tf.ts'
import {
  ARCHITECTURES,
  type BackboneName,
  EXPANSION,
  planBlocks,
  type StridePlacement,
  type UnitPlan,
} from './architectures.ts'
import type { BatchNormOptions } from './batch-norm.ts'
import type { LayerOptions } from './convolution.ts'
import type { Layer } from './layer.ts'
import { type RootPadding, residualUnit, rootLayer } from './residual.ts'

export interface Feature {
  readonly x_BHWC: Tensor4D
  /** Image pixels from one feature pixel to the next. */
  readonly stride: number
}

/** From images in [-1, 1] to one feature a block (C2 … C5): the last output of the block before the stride grows. */
export interface Backbone extends Layer<Tensor4D, readonly Feature[]> {
  /** The last is the output of the network. */
  readonly features: readonly { readonly stride: number; readonly channels: number }[]
}

/** The input that the weights were trained on: pixels in [-1, 1], or (pixels in [0, 1] - mean) / stddev. */
export type InputNormalisation =
  | { readonly type: 'symmetric' }
  | { readonly type: 'standardised'; readonly mean: Rgb; readonly stddev: Rgb }
type Rgb = readonly [red: number, green: number, blue: number]

export interface BackboneOptions {
  readonly name: BackboneName
  /** Strides beyond it become dilations. Absent: the stride of the architecture. */
  readonly outputStride?: 8 | 16 | 32
  /** stages: freezes the first n of root, block1, block2, …; their batch norm uses the moving statistics. */
  readonly freeze: 'none' | 'all' | { readonly stages: number }
  readonly batchNorm: BatchNormOptions
  readonly stridePlacement?: StridePlacement
  readonly rootPadding?: RootPadding
  readonly input?: InputNormalisation
}

/** Declares the variables and allocates nothing. @throws DownpourError CONFIG_INVALID */
export function buildBackbone(options: BackboneOptions): Backbone {
  const { stridePlacement = 'lastUnit', rootPadding = 'same', input = { type: 'symmetric' } } = options
  const architecture = ARCHITECTURES[options.name]
  const { outputStride = Number.POSITIVE_INFINITY } = options
  const plan = planBlocks(architecture, { placement: stridePlacement, outputStride })
  checkOutputStride(options, plan)
  const optionsOf = layerOptions(options, plan.length + 1)
  const root = rootLayer(architecture.root, rootPadding, optionsOf(0))
  const blocks = plan.map((units, i) => units.map((unit) => ({ unit, layer: residualUnit(unit, optionsOf(i + 1)) })))
  return {
    variables: [root, ...blocks.flat().map(({ layer }) => layer)].flatMap(({ variables }) => variables),
    features: plan.map((units) => {
      const { outputStride: stride, base } = featureUnit(units)
      return { stride, channels: base * EXPANSION }
    }),
    apply(images_BHWC, pass) {
      let x_BHWC = root.apply(normaliseInput(images_BHWC, input), pass)
      return blocks.map((units, i) => {
        const last = featureUnit(plan[i] as UnitPlan[])
        let feature = x_BHWC
        for (const { unit, layer } of units) {
          x_BHWC = layer.apply(x_BHWC, pass)
          if (unit === last) feature = x_BHWC
        }
        return { x_BHWC: feature, stride: last.outputStride }
      })
    },
  }
}

/** The last unit before the stride grows within the block. */
function featureUnit(units: readonly UnitPlan[]): UnitPlan {
  return units.findLast(({ outputStride }) => outputStride === units[0]?.outputStride) as UnitPlan
}

function layerOptions({ freeze, batchNorm }: BackboneOptions, stages: number): (stage: number) => LayerOptions {
  const frozen = freeze === 'none' ? 0 : freeze === 'all' ? stages : freeze.stages
  if (frozen > stages) {
    const message = `freeze.stages: ${frozen}: expected at most ${stages}, the root and the blocks`
    throw new DownpourError('CONFIG_INVALID', message)
  }
  return (stage) => ({ frozen: stage < frozen, batchNorm })
}

function checkOutputStride({ name, outputStride }: BackboneOptions, plan: readonly UnitPlan[][]): void {
  const reached = plan.at(-1)?.at(-1)?.outputStride
  if (outputStride === undefined || outputStride === reached) return
  throw new DownpourError('CONFIG_INVALID', `outputStride: ${outputStride}: ${name} has ${reached}`)
}

/** Batches have pixels in [-1, 1]: with p = (x + 1) / 2, (p - mean) / stddev is an affine map of x. */
function normaliseInput(x_BHWC: Tensor4D, input: InputNormalisation): Tensor4D {
  if (input.type === 'symmetric') return x_BHWC
  const scale_C = input.stddev.map((stddev) => 0.5 / stddev)
  const shift_C = input.mean.map((mean, c) => (0.5 - mean) / (input.stddev[c] as number))
  return tf.add(tf.mul(x_BHWC, scale_C), shift_C) as Tensor4D
}
