/** Decodes pictures by sharp (libvips). What it would read as other pixels than people see is turned or refused. */
import sharp, { type Metadata } from 'sharp'
import { errorMessage } from '../../support/errors.ts'
import { whyNoPicture } from './signature.ts'

// Fifty workers share a machine: no cache of libvips' own, and one thread an image.
sharp.cache(false)
sharp.concurrency(1)

const CHANNELS = 3
/** Of 8 and 16 bits; libvips takes any other number for one of 0 to 255, and cuts off the rest. */
const BYTES_PER_SAMPLE: Readonly<Record<string, number>> = { uchar: 1, ushort: 2 }
/** Of a picture that is decoded as a whole: a file of a few kilobytes can claim gigabytes. */
const MAX_DECODED_BYTES = 256 * 2 ** 20
/** Read row by row, unless their rows come in several passes. */
const STREAMED = new Set(['jpeg', 'png'])

/**
 * Decodes, turns as EXIF says, and resizes to a square, ignoring the aspect; of several pages or frames the first.
 * @returns RGB bytes, size·size·3 long
 * @throws Error that says what the bytes are, where they are no picture that can be used
 */
export async function decodeSquare(encoded: Uint8Array, size: number): Promise<Uint8Array> {
  try {
    const image = sharp(encoded, { failOn: 'error' })
    const facts = await image.metadata()
    mustBeUsable(facts)
    const square = image.resize(size, size, { fit: 'fill' }).flatten().toColourspace('srgb').raw()
    const { data, info } = await square.toBuffer({ resolveWithObject: true })
    if (info.channels === CHANNELS) return upright(data, size, facts.orientation)
    throw new Error(`it has ${facts.channels} channels, which are neither grey, RGB nor CMYK`)
  } catch (error) {
    const [first = ''] = errorMessage(error).split('\n')
    throw new Error(whyNoPicture(encoded) ?? first, { cause: error })
  }
}

function mustBeUsable({ format, isProgressive, width, height, channels, depth }: Metadata): void {
  const sampleBytes = BYTES_PER_SAMPLE[depth]
  if (!sampleBytes) throw new Error(`its samples are of type ${depth}: convert it to 8 or 16 bits a channel`)
  if (STREAMED.has(format) && !isProgressive) return
  const bytes = width * height * channels * sampleBytes
  if (bytes <= MAX_DECODED_BYTES) return
  const size = `${width}×${height} pixels take ${bytes} bytes of memory, at most ${MAX_DECODED_BYTES} are given`
  throw new Error(`it is too large: ${size}; make it smaller, or save it as a plain JPEG (not progressive)`)
}

/**
 * Turning the small square gives what turning the picture would have given, without the memory for the whole of it.
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
