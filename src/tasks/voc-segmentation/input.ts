/** Training: a random scale, crop and mirroring of a picture and its mask. Evaluation: the whole picture. */
import type { MaskAnnotation } from '../../data/annotations.ts'
import { decodeStored } from '../../data/codecs/image.ts'
import { type Mask, readMask } from '../../data/voc/mask.ts'
import type { Decoded, InputPipeline, Need, Picture, Sample, Size } from '../../input/pipeline.ts'
import { VOID } from '../../scores/index.ts'
import { DownpourError } from '../../support/errors.ts'
import { printable } from '../../support/printable.ts'
import { parseFields } from '../declaration.ts'
import { vocSegmentation } from './declaration.ts'
import { cutMask, drawView, randomView, type View, wholeView } from './view.ts'

/** Rows of classes, one byte a pixel; 255 is void. */
export interface MaskTarget extends Size {
  readonly classes: Uint8Array
  /** Of the network's input, without padding: it shows the same part of the picture as the mask. */
  readonly seen: Size
}

/** Padded sides are multiples of this, plus one: every output stride then has a logit at both ends. */
const SIDE_STEP = 64
/** Four of VOC's pictures at once: the last feature of ResNet-101 at stride 8 is 35 MB for each. */
const MAX_EVALUATION_PIXELS = 2 ** 20

const NEED: Need<MaskAnnotation> = {
  code: 'DATA_ALL_VOID',
  expected: `a mask with a class: all of their pixels are void (${VOID})`,
  isMet: ({ png }) => readMask(png, 'a mask').classes.some((one) => one !== VOID),
}

/** @throws DownpourError CONFIG_INVALID; BAD_DATA from a sample whose mask belongs to a picture of another size */
export function createInput(given: unknown): InputPipeline<MaskAnnotation, MaskTarget> {
  const input = parseFields(vocSegmentation.input, given)
  const checked = (example: Decoded<MaskAnnotation>) => ({ picture: example.picture, mask: maskOf(example, input) })
  return {
    needs: { learning: NEED, scoring: NEED },
    maxEvaluationPixels: MAX_EVALUATION_PIXELS,
    decode: (bytes) => decodeStored(bytes, (size) => within(size, input.maxSidePixels), input.resizeFilter),
    train: (example, random) => [trainingSample(checked(example), randomView(example.picture, input, random))],
    evaluate: (example) => [evaluationSample(checked(example))],
  }
}

interface Checked {
  readonly picture: Picture
  readonly mask: Mask
}

/** The mask in the pixels of the view. */
function trainingSample({ picture, mask }: Checked, view: View): Sample<MaskTarget> {
  const { size } = view
  const target = { ...size, classes: cutMask(mask, view, VOID), seen: size }
  return { size, target, draw: (into, offset) => drawView(picture, view, into, offset) }
}

/** The mask in the pixels of the file, even if the network sees fewer. */
function evaluationSample({ picture, mask }: Checked): Sample<MaskTarget> {
  const { height, width } = picture
  const size = { height: paddedSide(height), width: paddedSide(width) }
  const view = wholeView(picture, size)
  return {
    size,
    target: { ...mask, seen: { height, width } },
    draw: (into, offset) => drawView(picture, view, into, offset),
  }
}

function maskOf(
  { id, picture, annotation }: Decoded<MaskAnnotation>,
  { maxSidePixels }: { maxSidePixels: number },
): Mask {
  const mask = readMask(annotation.png, `the mask of image ${printable(id)}`)
  const expected = within(mask, maxSidePixels)
  if (expected.height === picture.height && expected.width === picture.width) return mask
  const message = `image ${printable(id)}: its mask has ${mask.width}×${mask.height} pixels, and the picture has another size`
  throw new DownpourError('BAD_DATA', message, { id })
}

/** Keeps the aspect ratio; never enlarges. */
function within({ height, width }: Size, maxSide: number): Size {
  const scale = Math.min(1, maxSide / Math.max(height, width))
  return { height: Math.max(1, Math.round(height * scale)), width: Math.max(1, Math.round(width * scale)) }
}

function paddedSide(pixels: number): number {
  return Math.ceil((pixels - 1) / SIDE_STEP) * SIDE_STEP + 1
}
