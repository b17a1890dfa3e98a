/**
 * Draws a crop: bilinear where it has the resolution of the picture or a finer one, as in G-RMI; where it is coarser, the
 * mean of several points, because single points would turn a fine texture into noise. Outside of the picture it is 0.
 */
import type { Picture, Size } from '../../input/pipeline.ts'
import type { Crop } from './crop.ts'

const CHANNELS = 3

/** @param crop in pixels of `picture`. Writes height · width · 3 values in [-1, 1] to `into` at `offset` */
export function drawCrop(picture: Picture, crop: Crop, size: Size, into: Float32Array, offset: number): void {
  const rows = tapsOf(crop.top, crop.scale, size.height, picture.height)
  const columns = tapsOf(crop.left, crop.scale, size.width, picture.width)
  const wide = new Map<number, Float32Array>()
  const rowOf = (row: number) => {
    const known = wide.get(row) ?? resampleRow(picture, row, columns, size.width)
    wide.set(row, known)
    return known
  }
  for (let y = 0; y < size.height; y++) {
    const line = into.subarray(offset + y * size.width * CHANNELS, offset + (y + 1) * size.width * CHANNELS)
    line.fill(0)
    for (let tap = y * rows.each; tap < (y + 1) * rows.each; tap++) {
      const weight = rows.weights[tap] as number
      if (weight > 0) addRow(rowOf(rows.places[tap] as number), weight, line)
    }
    if (crop.isFlipped) mirror(line)
  }
}

/** The pixels along one axis that each pixel of the crop is the weighted sum of. */
interface Taps {
  readonly each: number
  readonly places: Int32Array
  /** 0 for a pixel outside of the picture. */
  readonly weights: Float32Array
}

function tapsOf(start: number, scale: number, outputs: number, inputs: number): Taps {
  const points = Math.max(1, Math.ceil(scale))
  const places = new Int32Array(outputs * points * 2)
  const weights = new Float32Array(outputs * points * 2)
  for (let point = 0; point < outputs * points; point++) {
    const at = start + ((point + 0.5) / points) * scale - 0.5
    const before = Math.floor(at)
    for (const side of [0, 1]) {
      const place = before + side
      if (place < 0 || place >= inputs) continue
      places[point * 2 + side] = place
      weights[point * 2 + side] = (side === 0 ? before + 1 - at : at - before) / points
    }
  }
  return { each: points * 2, places, weights }
}

/** Row `row` of the picture, resampled along its columns, in [-1, 1]. */
function resampleRow({ rgb, width }: Picture, row: number, columns: Taps, outputs: number): Float32Array {
  const line = new Float32Array(outputs * CHANNELS)
  for (let tap = 0; tap < columns.weights.length; tap++) {
    const weight = columns.weights[tap] as number
    if (weight === 0) continue
    const from = (row * width + (columns.places[tap] as number)) * CHANNELS
    const to = Math.floor(tap / columns.each) * CHANNELS
    for (let channel = 0; channel < CHANNELS; channel++) {
      line[to + channel] = (line[to + channel] as number) + weight * ((rgb[from + channel] as number) / 127.5 - 1)
    }
  }
  return line
}

function addRow(row: Float32Array, weight: number, line: Float32Array): void {
  for (let i = 0; i < line.length; i++) line[i] = (line[i] as number) + weight * (row[i] as number)
}

function mirror(line: Float32Array): void {
  const pixels = line.length / CHANNELS
  const original = line.slice()
  for (let x = 0; x < pixels; x++) {
    const from = (pixels - 1 - x) * CHANNELS
    line.set(original.subarray(from, from + CHANNELS), x * CHANNELS)
  }
}
