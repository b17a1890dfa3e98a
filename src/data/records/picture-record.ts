/** The features of a record that describe its picture. */
import sharp from 'sharp'
import { sha256Of } from '../../support/digest.ts'
import type { Features } from '../codecs/example.ts'
import { bytes, ints, intsOf, text } from '../codecs/features.ts'

export interface RecordPicture {
  readonly id: string
  readonly fileName: string
  /** The encoded file. */
  readonly encoded: Uint8Array
  /** As libvips names it: jpeg, png, … */
  readonly format: string
  readonly width: number
  readonly height: number
}

export const PICTURE_ID_KEYS = ['image/source_id', 'image/id', 'image/filename']

export function pictureFeatures({ id, fileName, encoded, format, width, height }: RecordPicture): Features {
  return {
    'image/encoded': bytes(encoded),
    'image/format': text(format),
    'image/filename': text(fileName),
    'image/source_id': text(id),
    'image/key/sha256': text(sha256Of(encoded)),
    'image/height': ints([height]),
    'image/width': ints([width]),
  }
}

/** Of the record, or of the picture where the record lacks it. @throws Error for a size that cannot be */
export async function pictureSizeOf(
  features: Features,
  encoded: Uint8Array,
): Promise<{ width: number; height: number }> {
  const [width] = intsOf(features['image/width']) ?? []
  const [height] = intsOf(features['image/height']) ?? []
  const size = width === undefined || height === undefined ? await sharp(encoded).metadata() : { width, height }
  if (size.width > 0 && size.height > 0) return { width: size.width, height: size.height }
  throw new Error(`image/width ${size.width}, image/height ${size.height}: expected numbers of pixels above 0`)
}
