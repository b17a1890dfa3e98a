/** Masks of objects as PNGs of 0 and 1, in the size of the picture. */
import sharp from 'sharp'
import type { Segmentation } from '../annotations.ts'
import { maskOfPolygons } from '../coco/polygon-mask.ts'
import { maskOf, runsOf } from '../coco/rle.ts'

/** A grey PNG of 8 bits. An object without a mask has one of zeros. */
export function maskPng(segmentation: Segmentation | undefined, width: number, height: number): Promise<Buffer> {
  const raw = { width, height, channels: 1 } as const
  return sharp(pixelsOf(segmentation, width, height), { raw })
    .toColourspace('b-w')
    .png()
    .toBuffer()
}

/** @returns undefined for a mask of zeros. @param what for messages. @throws Error */
export async function segmentationOfPng(
  png: Uint8Array,
  width: number,
  height: number,
  what: string,
): Promise<Segmentation | undefined> {
  const image = sharp(png, { failOn: 'error' })
  const facts = await image.metadata()
  if (facts.width !== width || facts.height !== height) {
    throw new Error(`${what}: has ${facts.width}×${facts.height} pixels, and the picture ${width}×${height}`)
  }
  const counts = runsOf(await image.extractChannel(0).raw().toBuffer(), height, width)
  return counts.length > 1 ? { type: 'rle', height, width, counts } : undefined
}

function pixelsOf(segmentation: Segmentation | undefined, width: number, height: number): Uint8Array {
  if (!segmentation) return new Uint8Array(width * height)
  if (segmentation.type === 'polygons') return maskOfPolygons(segmentation.polygons, height, width)
  return maskOf(segmentation.counts, height, width)
}
