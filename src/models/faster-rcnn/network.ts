/**
 * The layers of a Faster R-CNN (paper.md §4.6). B images, H W feature pixels, C channels, A anchors, R boxes of all images
 * together, n crop pixels, K classes.
 */
import type { VariableSpec } from '../../support/variables.ts'
import { cropAndResize } from '../../tensor/crop-and-resize.ts'
import { operations } from '../../tensor/operations.ts'
import { type Tensor, type Tensor1D, type Tensor2D, type Tensor4D, tf } from '../../tensor/tf.ts'
import type { SplitBackbone } from '../backbone.ts'
import { biasedConvolution, fullyConnected } from '../biased.ts'
import type { Pass } from '../layer.ts'
import { anchorsPerCell } from './anchors.ts'
import type { FasterRcnnOptions, Size } from './types.ts'

const STDDEV = 0.01

export interface Proposer {
  readonly variables: readonly VariableSpec[]
  apply(feature_BHWC: Tensor4D, pass: Pass): { logits_BA2: Tensor; codes_BA4: Tensor }
}

/** The first stage: whether an anchor is at an object, and the code of the object's box. */
export function proposer(channels: number, options: FasterRcnnOptions): Proposer {
  const perCell = anchorsPerCell(options.anchors)
  const inner = { inChannels: options.proposer.channels, stddev: STDDEV }
  const conv = biasedConvolution('proposer/conv', 3, { ...inner, inChannels: channels, outChannels: inner.inChannels })
  const logits = biasedConvolution('proposer/objectness', 1, { ...inner, outChannels: 2 * perCell })
  const codes = biasedConvolution('proposer/codes', 1, { ...inner, outChannels: 4 * perCell })
  return {
    variables: [conv, logits, codes].flatMap(({ variables }) => variables),
    apply(feature_BHWC, pass) {
      const hidden_BHWC = operations().relu(conv.apply(feature_BHWC, pass))
      const [images] = feature_BHWC.shape
      return {
        logits_BA2: tf.reshape(logits.apply(hidden_BHWC, pass), [images, -1, 2]),
        codes_BA4: tf.reshape(codes.apply(hidden_BHWC, pass), [images, -1, 4]),
      }
    },
  }
}

/** Boxes in pixels of the network's input, as int32 with the image of each. */
export interface Regions {
  readonly boxes_R4: Tensor2D
  readonly image_R: Tensor1D
}

export interface BoxHead {
  readonly variables: readonly VariableSpec[]
  /** @param input the size of the images with padding, which the feature covers */
  apply(feature_BHWC: Tensor4D, regions: Regions, input: Size, pass: Pass): { logits_RC: Tensor2D; codes_RK4: Tensor }
}

/** The second stage: the class of each box, background first, and a code for each class. */
export function boxHead({ head }: SplitBackbone, { classes, crop }: FasterRcnnOptions): BoxHead {
  const shape = { inChannels: head.channels, stddev: STDDEV }
  const logits = fullyConnected('box/classes', { ...shape, outChannels: classes + 1 })
  const codes = fullyConnected('box/codes', { ...shape, outChannels: 4 * classes })
  return {
    variables: [head, logits, codes].flatMap(({ variables }) => variables),
    apply(feature_BHWC, regions, input, pass) {
      const crops_RnnC = cropRegions(feature_BHWC, regions, input, crop)
      const mean_RC = tf.mean(head.apply(crops_RnnC, pass), [1, 2]) as Tensor2D
      return {
        logits_RC: logits.apply(mean_RC, pass),
        codes_RK4: tf.reshape(codes.apply(mean_RC, pass), [-1, classes, 4]),
      }
    },
  }
}

/** Crops are 0 outside of the feature, and rounding would put the last sample of a box at the border there. */
const INSIDE = 1 - 1e-6

/** The feature pixels of each box, resized and then pooled to n × n. @param input the size that the feature covers */
export function cropRegions(
  feature_BHWC: Tensor4D,
  { boxes_R4, image_R }: Regions,
  { height, width }: Size,
  { size, pool }: FasterRcnnOptions['crop'],
): Tensor4D {
  const [down, right] = [INSIDE / height, INSIDE / width]
  const shares_R4 = tf.mul(boxes_R4, [down, right, down, right]) as Tensor2D
  const crops_RnnC = cropAndResize(feature_BHWC, shares_R4, image_R, size)
  return pool === 1 ? crops_RnnC : tf.maxPool(crops_RnnC, pool, pool, 'valid')
}
