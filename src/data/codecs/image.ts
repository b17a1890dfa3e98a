/**
 * Decodes pictures with sharp (libvips). A picture that it would decode to other pixels than a viewer shows is
 * corrected or refused.
 */
import sharp from 'sharp'
import type { ResizeFilter } from '../../contract/training.ts'
import { errorMessage } from '../../support/errors.ts'
import { jpegHeader } from './jpeg-header.ts'
import { whyNoPicture } from './signature.ts'

// Fifty workers may share a machine, so libvips keeps no cache and uses one thread for an image.
sharp.cache(false)
sharp.concurrency(1)

/** What the header of a picture says. */
interface Facts extends PixelSize {
  readonly format: string
  readonly channels: number
  /** libvips' name of the type of its samples. */
  readonly depth: string
  readonly isProgressive: boolean
  /** EXIF's, 1 to 8. */
  readonly orientation?: number | undefined
}

const CHANNELS = 3
const JPEG_BITS = 8
/** For 8 and 16 bits. libvips clips samples of any other type to 0…255, so such pictures are refused. */
const BYTES_PER_SAMPLE: Readonly<Record<string, number>> = { uchar: 1, ushort: 2 }
/** For a picture that is decoded as a whole: a file of a few kilobytes can declare gigabytes of pixels. */
const MAX_DECODED_BYTES = 256 * 2 ** 20
/** libvips reads these row by row, unless they are progressive. */
const STREAMED = new Set(['jpeg', 'png'])

/**
 * Decodes the first page or frame, rotates it by its EXIF orientation, and resizes it to a square without keeping the
 * aspect ratio.
 * @returns RGB bytes, size·size·3 long
 * @throws Error whose message says why the bytes are not a usable picture
 */
export async function decodeSquare(encoded: Uint8Array, size: number, filter?: ResizeFilter): Promise<Uint8Array> {
  return (await decodeMeasured(encoded, size, filter)).rgb
}

/** As decodeSquare. @returns also the size of the picture in the file */
export async function decodeMeasured(
  encoded: Uint8Array,
  size: number,
  filter?: ResizeFilter,
): Promise<{ rgb: Uint8Array; width: number; height: number }> {
  const { rgb, facts } = await decodeTo(encoded, () => ({ width: size, height: size }), filter)
  const { width, height, orientation } = facts
  return { rgb: upright(rgb, size, orientation), width, height }
}

/**
 * Decodes the first page or frame as the file stores it, without the rotation that its EXIF data asks for: boxes and masks
 * are in these pixels.
 * @param sizeOf the size to resize to, from the size in the file
 * @returns RGB bytes, height·width·3 long
 * @throws Error whose message says why the bytes are not a usable picture
 */
export async function decodeStored(
  encoded: Uint8Array,
  sizeOf: (stored: PixelSize) => PixelSize,
  filter?: ResizeFilter,
): Promise<{ rgb: Uint8Array; width: number; height: number }> {
  const { rgb, size } = await decodeTo(encoded, sizeOf, filter)
  return { rgb, ...size }
}

interface PixelSize {
  readonly width: number
  readonly height: number
}

/**
 * A JPEG that is at least four times as wide and as high as needed is decoded at half, a quarter or an eighth of its size, so
 * that the filter still halves it at least: its pixels then differ by 1 or 2 of 255 in the mean from those of a full decode.
 * libvips' faster way, which leaves less to the filter, gives three times that.
 */
const EXACT = { fit: 'fill', fastShrinkOnLoad: false } as const

async function decodeTo(
  encoded: Uint8Array,
  sizeOf: (stored: PixelSize) => PixelSize,
  filter: ResizeFilter = 'lanczos3',
) {
  try {
    const image = sharp(encoded, { failOn: 'error' })
    const facts = plainFacts(encoded) ?? (await image.metadata())
    mustBeUsable(facts)
    const { width, height } = sizeOf({ width: facts.width, height: facts.height })
    const resized = image
      .resize(width, height, { ...EXACT, kernel: filter })
      .flatten()
      .toColourspace('srgb')
      .raw()
    const { data, info } = await resized.toBuffer({ resolveWithObject: true })
    if (info.channels === CHANNELS) return { rgb: data as Uint8Array, facts, size: { width, height } }
    throw new Error(`it has ${facts.channels} channels, which are neither grey, RGB nor CMYK`)
  } catch (error) {
    throw notUsable(encoded, error)
  }
}

/** As the file stores it, before a rotation by EXIF. @throws Error whose message says why the bytes are not a usable picture */
export async function headerSize(encoded: Uint8Array): Promise<{ width: number; height: number }> {
  try {
    const facts = await sharp(encoded).metadata()
    mustBeUsable(facts)
    return { width: facts.width, height: facts.height }
  } catch (error) {
    throw notUsable(encoded, error)
  }
}

function notUsable(encoded: Uint8Array, error: unknown): Error {
  const [first = ''] = errorMessage(error).split('\n')
  return new Error(whyNoPicture(encoded) ?? first.replace(/:$/, ''), { cause: error })
}

/** What libvips would say of a JPEG whose header is plain. EXIF is left to libvips, because it may ask for a rotation. */
function plainFacts(encoded: Uint8Array): Facts | undefined {
  const { buffer, byteOffset, byteLength } = encoded
  const header = jpegHeader(Buffer.from(buffer, byteOffset, byteLength))
  if (header?.bits !== JPEG_BITS || header.hasExif || header.width * header.height === 0) return undefined
  return { ...header, format: 'jpeg', depth: 'uchar' }
}

function mustBeUsable({ format, isProgressive, width, height, channels, depth }: Facts): void {
  const sampleBytes = BYTES_PER_SAMPLE[depth]
  if (!sampleBytes) throw new Error(`its samples are of type ${depth}: convert it to 8 or 16 bits a channel`)
  if (STREAMED.has(format) && !isProgressive) return
  const bytes = width * height * channels * sampleBytes
  if (bytes <= MAX_DECODED_BYTES) return
  const size = `${width}×${height} pixels take ${bytes} bytes of memory, at most ${MAX_DECODED_BYTES} are given`
  throw new Error(`it is too large: ${size}; make it smaller, or save it as a plain JPEG (not progressive)`)
}

/**
 * Rotating the small square gives the same pixels as rotating the original, without the memory that the original needs.
 * @param orientation of EXIF, 1 to 8: whether columns or rows run backwards, and from 5 on whether they are swapped
 */
function upright(pixels: Uint8Array, size: number, orientation = 1): Uint8Array {
  if (orientation < 2 || orientation > 8) return pixels
  const turned = new Uint8Array(pixels.length)
  const last = size - 1
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const [across, down] = orientation > 4 ? [y, x] : [x, y]
      const column = [2, 3, 7, 8].includes(orientation) ? last - across : across
      const row = [3, 4, 6, 7].includes(orientation) ? last - down : down
      const from = (row * size + column) * CHANNELS
      turned.set(pixels.subarray(from, from + CHANNELS), (y * size + x) * CHANNELS)
    }
  return turned
}

/** Side of the square that a picture is decoded to when only damage is looked for. */
const PROBE_PIXELS = 8

/**
 * Format and size of a picture that was decoded to its end.
 * @returns the size as it is stored, without the rotation that its EXIF data asks for
 * @throws Error whose message says why the bytes are not a usable picture
 */
export async function pictureFacts(encoded: Uint8Array): Promise<{ format: string; width: number; height: number }> {
  await decodeSquare(encoded, PROBE_PIXELS)
  const { format, width, height } = await sharp(encoded).metadata()
  return { format, width, height }
}
