/** Draws the mask of a picture in VOC's colours beside the picture, with the names of its classes. */
import { VOID } from '../../scores/mean-iou.ts'
import type { Mask } from '../voc/mask.ts'
import { vocColour } from '../voc/palette.ts'
import {
  coloured,
  type DrawnLabels,
  drawing,
  escaped,
  fitOf,
  fitted,
  type PictureSize,
  TAG_HEIGHT,
  tag,
} from './drawing.ts'

/** The picture remains visible below. */
const ALPHA = 190

/**
 * @param picture its size, if the mask has fewer pixels and is stretched over it
 * @returns RGB, size·size·3
 */
export async function drawMask(
  encoded: Uint8Array,
  mask: Mask,
  { labels }: DrawnLabels,
  size: number,
  picture: PictureSize = mask,
): Promise<Uint8Array> {
  const fit = fitOf(picture, size)
  const { width, height } = fit
  const colourAt = (i: number) => {
    const label = mask.classes[i] as number
    return label === 0 ? undefined : [...vocColour(label), ALPHA]
  }
  const overlay = await coloured(mask.width, mask.height, colourAt, width, height)
  const present = [...new Set(mask.classes)].filter((label) => label !== 0).sort((a, b) => a - b)
  const names = present.flatMap((label, row) => {
    const name = label === VOID ? 'void' : (labels[label]?.name ?? String(label))
    return tag(escaped(name), `rgb(${vocColour(label).join()})`, 0, (row + 1) * TAG_HEIGHT, width)
  })
  return fitted(encoded, fit, [overlay, drawing(names, width, height)])
}
