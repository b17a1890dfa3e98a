/**
 * From the first stage to the second: reads the predictions, and computes boxes in plain JavaScript, because sorting and
 * sampling are slow as tensor operations. Axes as in faster-rcnn.ts.
 */
import { type PlainFunction, plainFunction } from '../../tensor/plain-function.ts'
import type { Tensor, Tensor1D, Tensor2D } from '../../tensor/tf.ts'
import type { Values } from '../../tensor/values.ts'
import type { Boxes } from './boxes.ts'
import type { Regions } from './network.ts'
import { type ObjectArrays, readObjects, sizeAt } from './objects.ts'
import { proposalTargets } from './proposal-targets.ts'
import { proposeBoxes } from './proposals.ts'
import type { FasterRcnnOptions, Size } from './types.ts'

export interface Predictions {
  readonly logits_BA2: Tensor
  readonly codes_BA4: Tensor
}

type Arrays = Parameters<PlainFunction>[0]
type OptionsOf<K extends keyof FasterRcnnOptions> = Pick<FasterRcnnOptions, K>

export interface Samples extends Regions {
  readonly class_RC: Tensor
  readonly classWeight_R: Tensor
  readonly codes_R4: Tensor
  readonly codeWeight_RK: Tensor
}

/** The proposals that a training step learns from, with what it learns. */
export function sampleRegions(
  { logits_BA2, codes_BA4 }: Predictions,
  objects: Readonly<Record<keyof ObjectArrays, Tensor>>,
  anchors: Boxes,
  options: OptionsOf<'classes' | 'proposals' | 'sampling'>,
): Samples {
  const { boxes_BN4, classes_BN, ignored_BN, size_B2, seed_B } = objects
  const inputs = [logits_BA2, codes_BA4, boxes_BN4, classes_BN, ignored_BN, size_B2, seed_B]
  const tensors = plainFunction(
    inputs,
    ([logits, codes, boxes_BN4, classes_BN, ignored_BN, size_B2, seed_B]: Arrays) => {
      const images = readObjects({ boxes_BN4, classes_BN, ignored_BN, size_B2, seed_B } as ObjectArrays)
      const sizes = images.map(({ size }) => size)
      const proposals = proposeBatch({ logits, codes } as PredictionArrays, sizes, anchors, options)
      const withBoxes = images.map((image, i) => ({ ...image, boxes: proposals[i] as Boxes }))
      return sampleValues(withBoxes, options)
    },
  )
  const [boxes_R4, image_R, class_RC, classWeight_R, codes_R4, codeWeight_RK] = tensors
  return { boxes_R4, image_R, class_RC, classWeight_R, codes_R4, codeWeight_RK } as Samples
}

function sampleValues(
  images: Parameters<typeof proposalTargets>[0],
  { classes, sampling }: OptionsOf<'classes' | 'sampling'>,
): Values[] {
  const targets = proposalTargets(images, classes, sampling)
  const rows = images.length * sampling.batch
  return [
    { shape: [rows, 4], values: targets.boxes_R4 },
    imageOfRows(images.length, sampling.batch),
    { shape: [rows, classes + 1], values: targets.class_RC },
    { shape: [rows], values: targets.classWeight_R },
    { shape: [rows, 4], values: targets.codes_R4 },
    { shape: [rows, classes], values: targets.codeWeight_RK },
  ]
}

export interface Proposed extends Regions {
  /** How many of the P rows of an image are proposals; the rest is empty. */
  readonly count_B: Tensor
}

/** All proposals, for inference. @param sizes how to read the size of each image without padding */
export function proposeRegions(
  { logits_BA2, codes_BA4 }: Predictions,
  size_B2: Tensor | undefined,
  input: Size,
  anchors: Boxes,
  options: OptionsOf<'proposals'>,
): Proposed {
  const { count } = options.proposals
  const images = logits_BA2.shape[0] as number
  const inputs = [logits_BA2, codes_BA4, ...(size_B2 ? [size_B2] : [])]
  const [boxes_R4, image_R, count_B] = plainFunction(inputs, ([logits, codes, size_B2]: Arrays) => {
    const sizes = Array.from({ length: images }, (_, image) => (size_B2 ? sizeAt(size_B2, image) : input))
    const proposals = proposeBatch({ logits, codes } as PredictionArrays, sizes, anchors, options)
    const boxes_R4 = new Float32Array(images * count * 4)
    proposals.forEach((boxes, image) => {
      boxes_R4.set(boxes, image * count * 4)
    })
    return [
      { shape: [images * count, 4], values: boxes_R4 },
      imageOfRows(images, count),
      { shape: [images], values: Int32Array.from(proposals, (boxes) => boxes.length / 4) },
    ]
  })
  return { boxes_R4: boxes_R4 as Tensor2D, image_R: image_R as Tensor1D, count_B: count_B as Tensor }
}

interface PredictionArrays {
  readonly logits: Float32Array
  readonly codes: Float32Array
}

function proposeBatch(
  { logits, codes }: PredictionArrays,
  sizes: readonly Size[],
  anchors: Boxes,
  { proposals }: OptionsOf<'proposals'>,
): Boxes[] {
  const count = anchors.length / 4
  return sizes.map((size, image) => {
    const rows = <T extends Float32Array>(of: T, width: number) =>
      of.subarray(image * count * width, (image + 1) * count * width)
    return proposeBoxes(anchors, { logits: rows(logits, 2), codes: rows(codes, 4), size }, proposals)
  })
}

function imageOfRows(images: number, rows: number): Values {
  return {
    shape: [images * rows],
    values: Int32Array.from({ length: images * rows }, (_, row) => Math.floor(row / rows)),
  }
}
