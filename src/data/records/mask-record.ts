/** The mask of a picture as features of a record, under the keys that DeepLab reads (paper.md §5). */
import type { MaskAnnotation } from '../annotations.ts'
import type { Features } from '../codecs/example.ts'
import { bytes, bytesOf, ints, text, textOf } from '../codecs/features.ts'
import type { LabelMap } from '../labels.ts'
import { encodeMask, type Mask, mustHaveClasses, readMask } from '../voc/mask.ts'
import { PICTURE_ID_KEYS, pictureSizeOf } from './picture-record.ts'
import type { RecordReader } from './record-files.ts'

export const MASK_KEYS = {
  encoded: 'image/segmentation/class/encoded',
  format: 'image/segmentation/class/format',
} as const
const CHANNELS = 3
/** Depth and colour type in the header of a PNG: 8 bits, grey. */
const GREY = { at: 24, bytes: Buffer.from([8, 0]) }

/**
 * The mask is written as a grey PNG of 8 bits. DeepLab decodes it to one channel, which would turn the colours of a
 * palette into shades.
 * @throws DownpourError MASK_INVALID
 */
export function maskFeatures({ png }: MaskAnnotation, where: string): Features {
  return {
    'image/channels': ints([CHANNELS]),
    [MASK_KEYS.encoded]: bytes(greyPng(png, readMask(png, where))),
    [MASK_KEYS.format]: text('png'),
  }
}

/** Encoding takes several times as long as all else, so a PNG that is grey already is kept. */
function greyPng(png: Uint8Array, mask: Mask): Uint8Array {
  const kind = Buffer.from(png.buffer, png.byteOffset + GREY.at, GREY.bytes.length)
  return kind.equals(GREY.bytes) ? png : encodeMask(mask)
}

export function maskReader({ size: classes }: LabelMap): RecordReader<MaskAnnotation> {
  return {
    idKeys: PICTURE_ID_KEYS,
    async annotationOf(features, encoded) {
      const png = bytesOf(features[MASK_KEYS.encoded])
      if (!png) throw new Error(`no ${MASK_KEYS.encoded}`)
      const format = textOf(features[MASK_KEYS.format]) ?? 'png'
      if (format !== 'png') throw new Error(`${MASK_KEYS.format}: "${format}": expected png`)
      const size = await pictureSizeOf(features, encoded)
      const mask = readMask(png, MASK_KEYS.encoded)
      mustHaveClasses(mask, classes, MASK_KEYS.encoded)
      if (mask.width === size.width && mask.height === size.height) return { ...size, png: greyPng(png, mask) }
      throw new Error(`the mask has ${mask.width}×${mask.height} pixels, and the picture ${size.width}×${size.height}`)
    },
  }
}
