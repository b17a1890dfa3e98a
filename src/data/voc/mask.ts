/**
 * Reads a PNG of class indices, one a pixel (SegmentationClass, SegmentationClassAug). Image libraries expand a palette to
 * colours and so lose the index; this reads the stored indices.
 */
import { type DecodedPng, decode, encode } from 'fast-png'
import { VOID } from '../../scores/mean-iou.ts'
import { DownpourError, errorMessage } from '../../support/errors.ts'
import { vocColour, vocIndex } from './palette.ts'

const PALETTE = Array.from({ length: 256 }, (_, index) => [...vocColour(index)])

export interface Mask {
  readonly width: number
  readonly height: number
  /** Row by row; 255 is void. */
  readonly classes: Uint8Array
}

/**
 * A palette must have VOC's colours, in any order: an editor that saves the picture again sorts them. Grey pixels of 8 bits
 * are indices themselves.
 * @param where for messages
 * @throws DownpourError MASK_INVALID
 */
export function readMask(png: Uint8Array, where: string): Mask {
  const image = decoded(png, where)
  const { width, height } = image
  return { width, height, classes: image.palette ? ofPalette(image, where) : ofPixels(image, where) }
}

/** A grey PNG of 8 bits whose pixels are the classes, which every image library reads as they are. */
export function encodeMask({ width, height, classes }: Mask): Uint8Array {
  return encode({ width, height, data: classes, depth: 8, channels: 1 })
}

/** A PNG of 8 bits with VOC's palette, as SegmentationClass has them. */
export function encodePaletteMask({ width, height, classes }: Mask): Uint8Array {
  return encode({ width, height, data: classes, depth: 8, channels: 1, palette: PALETTE })
}

/** @throws DownpourError MASK_INVALID: a pixel that is neither void nor one of the first `count` classes */
export function mustHaveClasses({ width, classes }: Mask, count: number, where: string): void {
  const wrong = classes.findIndex((one) => one >= count && one !== VOID)
  if (wrong < 0) return
  const expected = `0 to ${count - 1}, or ${VOID} for void`
  throw maskInvalid(where, `class ${classes[wrong]} at ${place(wrong, width)}: expected ${expected}`)
}

function maskInvalid(where: string, problem: string): DownpourError {
  return new DownpourError('MASK_INVALID', `${where}: ${problem}`, { file: where })
}

function decoded(png: Uint8Array, where: string): DecodedPng {
  try {
    return decode(png, { checkCrc: true })
  } catch (error) {
    throw maskInvalid(where, `not a PNG that can be read: ${errorMessage(error)}`)
  }
}

function ofPalette({ width, height, depth, data, palette = [] }: DecodedPng, where: string): Uint8Array {
  const classes = palette.map((colour) => vocIndex(colour))
  const stored = unpacked(data as Uint8Array, width, height, depth)
  return stored.map((entry, i) => {
    const index = classes[entry]
    if (index !== undefined) return index
    throw unknownColour(palette[entry], place(i, width), where)
  })
}

function ofPixels({ width, depth, channels, data }: DecodedPng, where: string): Uint8Array {
  if (channels === 1 && depth === 8) return new Uint8Array(data)
  if (channels !== 3 || depth !== 8) {
    const found = `${channels} ${channels === 1 ? 'channel' : 'channels'} of ${depth} bits`
    throw maskInvalid(where, `${found}: expected a palette, grey pixels of 8 bits, or RGB`)
  }
  return Uint8Array.from({ length: data.length / 3 }, (_, i) => {
    const colour = [...data.subarray(3 * i, 3 * i + 3)]
    const index = vocIndex(colour)
    if (index === undefined) throw unknownColour(colour, place(i, width), where)
    return index
  })
}

/** One entry a byte. Rows begin at a byte, and the first pixel is in the highest bits. */
function unpacked(data: Uint8Array, width: number, height: number, depth: number): Uint8Array {
  if (depth === 8) return data
  const rowBytes = Math.ceil((width * depth) / 8)
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const bit = (i % width) * depth
    const byte = data[Math.floor(i / width) * rowBytes + (bit >> 3)] as number
    return (byte >> (8 - depth - (bit & 7))) & ((1 << depth) - 1)
  })
}

function unknownColour(colour: readonly number[] | undefined, pixel: string, where: string): DownpourError {
  const shown = colour ? `colour ${colour.slice(0, 3).join(',')}` : 'an entry beyond the palette'
  return maskInvalid(where, `${shown} at ${pixel}: expected a colour of VOC's palette`)
}

function place(i: number, width: number): string {
  return `x ${i % width}, y ${Math.floor(i / width)}`
}
