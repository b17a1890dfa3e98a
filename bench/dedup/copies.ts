/** Copies of a picture as they occur on the web: encoded again, scaled, mirrored, cropped. */
import sharp, { type Sharp } from 'sharp'
import type { Random } from '../../src/support/random.ts'
import type { Raw } from './pictures.ts'

/** Share of the area that a crop removes. */
const CROPPED = { least: 0.05, most: 0.25 }
const SCALE = { least: 0.25, most: 2 }
/** The aspect ratio of a scaled copy changes by at most this factor. */
const ASPECT = 1.08

export const COPIES = {
  're-encoded': (picture: Raw, random: Random) => encoded(open(picture), random),
  scaled: (picture: Raw, random: Random) => encoded(scaled(picture, random), random),
  flipped: (picture: Raw, random: Random) => encoded(open(picture).flop(), random),
  cropped: (picture: Raw, random: Random) => encoded(cropped(picture, random), random),
} as const satisfies Record<string, (picture: Raw, random: Random) => Promise<Buffer>>
export type CopyKind = keyof typeof COPIES
export const COPY_KINDS = Object.keys(COPIES) as CopyKind[]

export function open({ rgb, width, height }: Raw): Sharp {
  return sharp(rgb, { raw: { width, height, channels: 3 } })
}

/** JPEG of quality 30 to 95 in half of all cases, else WebP or PNG. */
function encoded(image: Sharp, random: Random): Promise<Buffer> {
  const quality = 30 + random.int(66)
  const format = random.int(4)
  if (format < 2) return image.jpeg({ quality }).toBuffer()
  return format === 2 ? image.webp({ quality }).toBuffer() : image.png({ compressionLevel: 3 }).toBuffer()
}

function scaled(picture: Raw, random: Random): Sharp {
  const factor = SCALE.least * (SCALE.most / SCALE.least) ** random.next()
  const stretch = ASPECT ** (random.next() - 0.5)
  const width = Math.max(1, Math.round(picture.width * factor * stretch))
  const height = Math.max(1, Math.round((picture.height * factor) / stretch))
  return open(picture).resize(width, height, { fit: 'fill' })
}

/** Removes a random share of the area; how much of it from the width, and at which side, is random, too. */
function cropped(picture: Raw, random: Random): Sharp {
  const kept = 1 - CROPPED.least - random.next() * (CROPPED.most - CROPPED.least)
  const ofWidth = kept ** random.next()
  const width = Math.max(1, Math.round(picture.width * ofWidth))
  const height = Math.max(1, Math.round((picture.height * kept) / ofWidth))
  const left = random.int(picture.width - width + 1)
  const top = random.int(picture.height - height + 1)
  return open(picture).extract({ left, top, width, height })
}
