/** The perceptual method: compares small versions of two pictures. It needs no model. */
import { decodeMeasured } from '../data/codecs/image.ts'
import { CopyIndex } from './copy-index.ts'
import { type Method, PERCEPTUAL_THRESHOLD } from './method.ts'
import { SIDE, type Thumbnail, thumbnailOf } from './planes.ts'

export function perceptualMethod(threshold = PERCEPTUAL_THRESHOLD): Method<Thumbnail> {
  const index = new CopyIndex(threshold)
  return {
    name: 'perceptual',
    threshold,
    async prepare(encoded) {
      const { rgb, width, height } = await decodeMeasured(encoded, SIDE)
      return thumbnailOf(rgb, Math.min(width, height))
    },
    addTest(pictures) {
      for (const picture of pictures) index.add(picture)
    },
    match: (pictures) => pictures.map((picture) => index.find(picture)),
    get skipped() {
      return index.plain
    },
  }
}
