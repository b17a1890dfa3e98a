/** Draws the mask of a picture in VOC's colours beside the picture, with the names of its classes. */
import type { OverlayOptions } from 'sharp'
import { VOID } from '../../scores/mean-iou.ts'
import type { Mask } from '../voc/mask.ts'
import { vocColour } from '../voc/palette.ts'
import {
  coloured,
  type DrawnLabels,
  drawing,
  escaped,
  type Fit,
  fitOf,
  fitted,
  type PictureSize,
  TAG_HEIGHT,
  tag,
} from './drawing.ts'

/** The picture remains visible below. */
const ALPHA = 190
const BACKGROUND = 0

/** @returns RGB, size·size·3 */
export async function drawMask(
  encoded: Uint8Array,
  mask: Mask,
  labels: DrawnLabels,
  size: number,
): Promise<Uint8Array> {
  const fit = fitOf(mask, size)
  const names = legendOf(mask, labels).flatMap(({ name, colour }, row) =>
    tag(escaped(name), colour, 0, (row + 1) * TAG_HEIGHT, fit.width),
  )
  return fitted(encoded, fit, [await overlayOf(mask, fit), drawing(names, fit.width, fit.height)])
}

/** As drawMask, without names. @param picture its size: the mask may have fewer pixels, and is stretched over it */
export async function drawPlainMask(
  encoded: Uint8Array,
  mask: Mask,
  picture: PictureSize,
  size: number,
): Promise<Uint8Array> {
  const fit = fitOf(picture, size)
  return fitted(encoded, fit, [await overlayOf(mask, fit)])
}

/** The classes of a mask but the background, each with its colour in CSS. */
export function legendOf(mask: Mask, { labels }: DrawnLabels): { name: string; colour: string }[] {
  const present = [...new Set(mask.classes)].filter((label) => label !== BACKGROUND).sort((a, b) => a - b)
  return present.map((label) => ({
    name: label === VOID ? 'void' : (labels[label]?.name ?? String(label)),
    colour: `rgb(${vocColour(label).join()})`,
  }))
}

function overlayOf({ width, height, classes }: Mask, fit: Fit): Promise<OverlayOptions> {
  const colourAt = (i: number) => {
    const label = classes[i] as number
    return label === BACKGROUND ? undefined : [...vocColour(label), ALPHA]
  }
  return coloured(width, height, colourAt, fit.width, fit.height)
}
