/** A network without a head: it computes features of several strides from images, and tasks add heads to them. */
import { DownpourError } from '../support/errors.ts'
import { type Tensor4D, tf } from '../tensor/tf.ts'
import { ARCHITECTURES, type BackboneName, planBlocks, type StridePlacement, type UnitPlan } from './architectures.ts'
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
  readonly features: readonly FeatureShape[]
  /** The same variables as two networks, for detectors. */
  split(): SplitBackbone
}

interface FeatureShape {
  readonly stride: number
  readonly channels: number
}

export interface SplitBackbone {
  /** From images to the last feature before the last block. */
  readonly trunk: Layer & FeatureShape
  /** The last block with stride 1 and no dilation, for crops of the trunk's feature. */
  readonly head: Layer & Pick<FeatureShape, 'channels'>
}

/** The input that the weights were trained on: pixels in [-1, 1], or (pixels in [0, 1] - mean) / stddev. */
export type InputNormalisation =
  | { readonly type: 'symmetric' }
  | { readonly type: 'standardised'; readonly mean: Rgb; readonly stddev: Rgb }
type Rgb = readonly [red: number, green: number, blue: number]

export interface BackboneOptions {
  readonly name: BackboneName
  /** Strides beyond it become dilations. Absent: the stride of the architecture. */
  readonly outputStride?: 4 | 8 | 16 | 32
  /** stages: freezes the first n of root, block1, block2, …; their batch norm uses the moving statistics. */
  readonly freeze: 'none' | 'all' | { readonly stages: number }
  readonly batchNorm: BatchNormOptions
  readonly stridePlacement?: StridePlacement
  readonly rootPadding?: RootPadding
  readonly input?: InputNormalisation
}

/** Declares the variables and allocates nothing. @throws DownpourError CONFIG_INVALID */
export function buildBackbone(options: BackboneOptions): Backbone {
  const { outputStride = Number.POSITIVE_INFINITY } = options
  const { root, blocks } = buildBlocks(options, outputStride)
  checkOutputStride(options, blocks)
  const features = blocks.map(featureShape)
  return {
    variables: [root, ...blocks.flat().map(({ layer }) => layer)].flatMap(({ variables }) => variables),
    features,
    split: () => splitBackbone(options, features.at(-2)?.stride ?? Number.POSITIVE_INFINITY),
    apply(images_BHWC, pass) {
      let x_BHWC = root.apply(images_BHWC, pass)
      return blocks.map((units) => {
        const last = featureUnit(units)
        let feature = x_BHWC
        for (const unit of units) {
          x_BHWC = unit.layer.apply(x_BHWC, pass)
          if (unit === last) feature = x_BHWC
        }
        return { x_BHWC: feature, stride: last.plan.outputStride }
      })
    },
  }
}

/** @param stride of the trunk; the head gets none, because crops have lost the positions that strides refer to */
function splitBackbone(options: BackboneOptions, stride: number): SplitBackbone {
  const { root, blocks } = buildBlocks(options, stride)
  const inTrunk = blocks.slice(0, -1)
  const last = buildBlocks(options, stride, { stride: 1, dilation: 1, nextDilation: 1 }).blocks.slice(-1)
  return {
    trunk: { ...sequence([root, ...inTrunk.flat().map(({ layer }) => layer)]), ...featureShape(inTrunk.at(-1) ?? []) },
    head: { ...sequence(last.flat().map(({ layer }) => layer)), channels: featureShape(last.flat()).channels },
  }
}

function sequence(layers: readonly Layer[]): Layer {
  return {
    variables: layers.flatMap(({ variables }) => variables),
    apply: (x_BHWC, pass) => layers.reduce((x, layer) => layer.apply(x, pass), x_BHWC),
  }
}

interface Unit {
  readonly plan: UnitPlan
  readonly layer: Layer
}

/** The root normalises the images. @param step replaces stride and dilation of every unit */
function buildBlocks(
  options: BackboneOptions,
  outputStride: number,
  step: Partial<Pick<UnitPlan, 'stride' | 'dilation' | 'nextDilation'>> = {},
): { root: Layer; blocks: Unit[][] } {
  const { stridePlacement: placement = 'lastUnit', rootPadding = 'same', input = { type: 'symmetric' } } = options
  const architecture = ARCHITECTURES[options.name]
  const plans = planBlocks(architecture, { placement, outputStride })
  const optionsOf = layerOptions(options, plans.length + 1)
  const root = rootLayer(architecture.root, rootPadding, optionsOf(0))
  return {
    root: { ...root, apply: (images_BHWC, pass) => root.apply(normaliseInput(images_BHWC, input), pass) },
    blocks: plans.map((units, i) =>
      units.map((plan) => ({ plan, layer: residualUnit({ ...plan, ...step }, optionsOf(i + 1)) })),
    ),
  }
}

function featureShape(units: readonly Unit[]): FeatureShape {
  const { outputStride: stride, outChannels: channels } = featureUnit(units).plan
  return { stride, channels }
}

/** The last unit before the stride grows within the block. */
function featureUnit(units: readonly Unit[]): Unit {
  return units.findLast(({ plan }) => plan.outputStride === units[0]?.plan.outputStride) as Unit
}

function layerOptions({ freeze, batchNorm }: BackboneOptions, stages: number): (stage: number) => LayerOptions {
  const frozen = freeze === 'none' ? 0 : freeze === 'all' ? stages : freeze.stages
  if (frozen > stages) {
    const message = `freeze.stages: ${frozen}: expected at most ${stages}, the root and the blocks`
    throw new DownpourError('CONFIG_INVALID', message)
  }
  return (stage) => ({ frozen: stage < frozen, batchNorm })
}

function checkOutputStride({ name, outputStride }: BackboneOptions, blocks: readonly Unit[][]): void {
  const reached = blocks.at(-1)?.at(-1)?.plan.outputStride
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
