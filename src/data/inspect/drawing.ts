/** Pictures with something drawn over them. */
import sharp, { type OverlayOptions } from 'sharp'
import { printable } from '../../support/printable.ts'

export type Rgb = readonly [number, number, number]

export const TAG_HEIGHT = 15
const FONT_PIXELS = 12
/** Of a letter, on average: the text is measured without a font. */
const LETTER_PIXELS = 6.8
const WEBP_QUALITY = 78
/** Neighbours are far apart on the colour circle. */
const GOLDEN_DEGREES = 137.5

export function colourOf(label: number): Rgb {
  const hue = (label * GOLDEN_DEGREES) % 360
  const channel = (n: number) => {
    const k = (n + hue / 30) % 12
    return Math.round(255 * (0.5 - 0.45 * Math.max(-1, Math.min(k - 3, 9 - k, 1))))
  }
  return [channel(0), channel(8), channel(4)]
}

/** A name on a coloured ground above the point, or at the upper edge; moved left where it would leave the picture. */
export function tag(text: string, colour: string, x: number, y: number, width: number): string[] {
  const length = text.replace(/&\w+;/g, '_').length * LETTER_PIXELS + 4
  const left = Math.max(0, Math.min(x, width - length))
  const top = Math.max(0, y - TAG_HEIGHT)
  return [
    `<rect x="${left}" y="${top}" width="${length}" height="${TAG_HEIGHT}" fill="${colour}"/>`,
    `<text x="${left + 2}" y="${top + FONT_PIXELS}" font-family="sans-serif" font-size="${FONT_PIXELS}" fill="white" stroke="black" stroke-width="2.5" paint-order="stroke">${text}</text>`,
  ]
}

export function drawing(shapes: readonly string[], width: number, height: number): OverlayOptions {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${shapes.join('')}</svg>`
  return { input: Buffer.from(svg) }
}

/** Text of a data set inside of SVG. */
export function escaped(text: string): string {
  return printable(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** @param colourAt red, green, blue, alpha of pixel i, row by row; undefined: nothing is drawn there */
export async function coloured(
  width: number,
  height: number,
  colourAt: (i: number) => readonly number[] | undefined,
  toWidth: number,
  toHeight: number,
): Promise<OverlayOptions> {
  const pixels = Buffer.alloc(width * height * 4)
  for (let i = 0; i < width * height; i++) {
    const colour = colourAt(i)
    if (colour) pixels.set(colour, i * 4)
  }
  const raw = { width, height, channels: 4 } as const
  return { input: await sharp(pixels, { raw }).resize(toWidth, toHeight, { kernel: 'nearest' }).png().toBuffer() }
}

export interface PictureSize {
  readonly width: number
  readonly height: number
}

export interface DrawnLabel {
  readonly name: string
  /** Pairs of keypoints that are connected, numbered from 1. */
  readonly skeleton?: readonly (readonly [number, number])[]
}

/** By id, such as a LabelMap. */
export interface DrawnLabels {
  readonly labels: Readonly<Record<number, DrawnLabel | undefined>>
}

export interface Fit {
  /** Drawn pixels for each pixel of the picture. */
  readonly scale: number
  /** Of the picture as it is drawn. */
  readonly width: number
  readonly height: number
  /** Of the square that the picture is in. */
  readonly size: number
}

/** Of the file, without the rotation by EXIF. @throws Error that says why it is no picture */
export async function sizeOfPicture(encoded: Uint8Array): Promise<PictureSize> {
  const { width, height } = await sharp(encoded).metadata()
  return { width, height }
}

/** @param rgb side·side·3. @returns a compressed picture as a URI, to be embedded in a document */
export async function dataUri(rgb: Uint8Array, side: number): Promise<string> {
  const webp = await sharp(rgb, { raw: { width: side, height: side, channels: 3 } })
    .webp({ quality: WEBP_QUALITY })
    .toBuffer()
  return `data:image/webp;base64,${webp.toString('base64')}`
}

/** The largest size of a picture in a square of `size`. */
export function fitOf(picture: PictureSize, size: number): Fit {
  const scale = size / Math.max(picture.width, picture.height)
  const drawn = (pixels: number) => Math.max(1, Math.round(pixels * scale))
  return { scale, width: drawn(picture.width), height: drawn(picture.height), size }
}

/** @returns RGB, size·size·3: the picture in width·height with the overlays, in the middle of a white square */
export async function fitted(
  encoded: Uint8Array,
  { width, height, size }: Fit,
  overlays: readonly OverlayOptions[],
): Promise<Uint8Array> {
  const picture = await sharp(encoded)
    .resize(width, height, { fit: 'fill' })
    .flatten()
    .toColourspace('srgb')
    .png()
    .toBuffer()
  const drawn = await sharp(picture)
    .composite([...overlays])
    .removeAlpha()
    .png()
    .toBuffer()
  return sharp(drawn).resize(size, size, { fit: 'contain', background: 'white' }).removeAlpha().raw().toBuffer()
}
