/** DeepLab-ASPP-L: a dilated backbone and the head of src/models/aspp.ts. B batch, H W logits, C classes, N = B·H·W. */
import type { z } from 'zod'
import { aspp } from '../../models/aspp.ts'
import type { Backbone, Feature } from '../../models/backbone.ts'
import { VOID } from '../../scores/index.ts'
import { DownpourError } from '../../support/errors.ts'
import { type Scalar, type Tensor2D, tf } from '../../tensor/tf.ts'
import { parseFields } from '../declaration.ts'
import { softmaxLoss } from '../label-loss.ts'
import type { BuildBackbone, Task, Values } from '../task.ts'
import { vocSegmentation } from './declaration.ts'
import type { MaskTarget } from './input.ts'
import { classesOnGrid, crossEntropy, type LogitGrid, upsampledClasses } from './logits.ts'
import { createScorer, type MaskPrediction, sketchMask } from './score.ts'

type Options = z.output<typeof vocSegmentation.options>

/** @throws DownpourError CONFIG_INVALID */
export function createTask(given: unknown, buildBackbone: BuildBackbone): Task<MaskTarget, MaskPrediction> {
  const options = parseOptions(given)
  const { classes, outputStride: stride } = options
  const backbone = buildBackbone({ outputStride: stride })
  const head = aspp({ ...options, channels: channelsOf(backbone) })
  return {
    variables: [...backbone.variables, ...head.variables],
    encode: (targets) => encodeMasks(targets, options),
    objective(pass, images_BHWC, { targets_NC, scale }) {
      const logits_BHWC = head.apply(lastFeature(backbone.apply(images_BHWC, pass)), pass)
      const meanOverAll = softmaxLoss(tf.reshape(logits_BHWC, [-1, classes]), targets_NC as Tensor2D)
      return { loss: tf.mul(meanOverAll, scale as Scalar), parts: {} }
    },
    infer: (pass, images_BHWC) => ({
      logits_BHWC: head.apply(lastFeature(backbone.apply(images_BHWC, pass)), pass),
    }),
    decode: ({ logits_BHWC }, targets) =>
      gridsOf(logits_BHWC as Values, stride).map((grid, i) => predict(grid, targets[i] as MaskTarget)),
    scorer: () => createScorer(classes),
    sketch: (prediction, target) => sketchMask(prediction, target, classes),
  }
}

function parseOptions(given: unknown): Options {
  const options = parseFields(vocSegmentation.options, given)
  const { rates } = options
  const twice = rates.find((rate, i) => rates.indexOf(rate) !== i)
  if (twice !== undefined) throw invalid(`rates: ${twice} is there twice: expected different rates`)
  return options
}

function invalid(problem: string): DownpourError {
  return new DownpourError('CONFIG_INVALID', `task.${problem}`)
}

function channelsOf({ features }: Backbone): number {
  return (features.at(-1) as Backbone['features'][number]).channels
}

function lastFeature(features: readonly Feature[]) {
  return (features.at(-1) as Feature).x_BHWC
}

/**
 * One-hot rows, all 0 for void, and N / (number of logits that are not void): times the loss of all N rows it gives the
 * mean over those that are not void, and 0 where all are.
 * @throws DownpourError LABEL_UNKNOWN
 */
function encodeMasks(targets: readonly MaskTarget[], { classes, outputStride: stride }: Options) {
  const labels = targets.flatMap((target) => [...classesOnGrid(target, gridOf(target, stride), stride)])
  const values = new Float32Array(labels.length * classes)
  let counted = 0
  labels.forEach((label, row) => {
    if (label === VOID) return
    if (label >= classes) throw new DownpourError('LABEL_UNKNOWN', `class ${label}: the model has ${classes} classes`)
    values[row * classes + label] = 1
    counted++
  })
  const scale = labels.length / Math.max(1, counted)
  return {
    targets_NC: { shape: [labels.length, classes], values },
    scale: { shape: [], values: Float32Array.of(scale) },
  }
}

/** The logits of an input without padding: each stride of 2 rounds up. */
function gridOf({ seen }: MaskTarget, stride: number) {
  return { height: Math.ceil(seen.height / stride), width: Math.ceil(seen.width / stride) }
}

function gridsOf({ shape, values }: Values, stride: number): LogitGrid[] {
  const [batch = 0, height = 0, width = 0, classes = 0] = shape
  const length = height * width * classes
  return Array.from({ length: batch }, (_, i) => {
    const logits_HWC = values.subarray(i * length, (i + 1) * length) as Float32Array
    return { height, width, classes, stride, logits_HWC }
  })
}

function predict(grid: LogitGrid, target: MaskTarget): MaskPrediction {
  const truth = classesOnGrid(target, grid, grid.stride)
  return { classes: upsampledClasses(grid, target), loss: crossEntropy(grid, truth) }
}
