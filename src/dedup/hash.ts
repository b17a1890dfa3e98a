/**
 * A perceptual hash of 64 bits: the signs of the lowest frequencies of brightness and colour. A copy differs in few bits,
 * however it was encoded or scaled.
 */
import { averages, type Planes, type Rectangle } from './planes.ts'

/** Two halves of 32 bits, because bit operations of JavaScript have 32. */
export interface Hash {
  readonly high: number
  readonly low: number
}

interface Transform {
  /** Cells of a side. */
  readonly grid: number
  /** Pairs of frequencies [down, across] whose signs are bits of the hash, from low to high. */
  readonly bits: readonly (readonly [down: number, across: number])[]
  /** One more than the highest frequency. */
  readonly frequencies: number
  /** cosines[k · grid + i] of the discrete cosine transform, so that amplitudes are in grey levels. */
  readonly cosines: Float64Array
}

/**
 * In grey levels. A frequency that a picture does not contain has an amplitude near 0, whose sign is chance: such a bit
 * is 0 in every copy.
 */
const LEAST_AMPLITUDE = 0.5

/** For brightness and the two colours: 40 + 12 + 12 = 64 bits. */
const [brightness, colour] = [transformOf(16, 40), transformOf(8, 12)]
const TRANSFORMS = [brightness, colour, colour] as const

const cells = new Float64Array(brightness.grid ** 2)
const partial = new Float64Array(brightness.grid * brightness.frequencies)

function transformOf(grid: number, count: number): Transform {
  const bits = Array.from({ length: grid ** 2 }, (_, at) => [Math.floor(at / grid), at % grid] as const)
    .slice(1) // the average of the picture
    .sort(([a, b], [c, d]) => a + b - c - d || Math.abs(a - b) - Math.abs(c - d) || a - c)
    .slice(0, count)
  const frequencies = Math.max(...bits.flat()) + 1
  const cosines = Float64Array.from({ length: frequencies * grid }, (_, at) => {
    const [k, i] = [Math.floor(at / grid), at % grid]
    return (Math.cos((Math.PI * k * (i + 0.5)) / grid) * Math.SQRT2) / grid
  })
  return { grid, bits, frequencies, cosines }
}

/** @returns the hash of the rectangle, and that of its mirror image */
export function hashesOf(planes: Planes, area: Rectangle): readonly [plain: Hash, mirrored: Hash] {
  const [plain, mirrored] = [new Uint32Array(2), new Uint32Array(2)] as const
  let bit = 0
  for (const [channel, plane] of planes.channels.entries()) {
    const transform = TRANSFORMS[channel] as Transform
    averages(plane, area, transform.grid, cells)
    transformRows(transform)
    for (const [down, across] of transform.bits) {
      const value = amplitude(transform, down, across)
      if (value > LEAST_AMPLITUDE) setBit(plain, bit)
      // Mirroring a picture changes the sign of its odd frequencies.
      if ((across & 1 ? -value : value) > LEAST_AMPLITUDE) setBit(mirrored, bit)
      bit++
    }
  }
  return [hashOf(plain), hashOf(mirrored)]
}

/**
 * Neighbouring bits go to different quarters of the hash, so that each quarter, by which hashes are found, has low and
 * high frequencies, and brightness and colour.
 */
function setBit(halves: Uint32Array, bit: number): void {
  const place = (bit % 4) * 16 + (bit >> 2)
  halves[place >> 5] = (halves[place >> 5] as number) | (1 << (place & 31))
}

function hashOf([high = 0, low = 0]: Uint32Array): Hash {
  return { high, low }
}

function transformRows({ grid, frequencies, cosines }: Transform): void {
  for (let row = 0; row < grid; row++)
    for (let k = 0; k < frequencies; k++) {
      let sum = 0
      for (let i = 0; i < grid; i++) sum += (cells[row * grid + i] as number) * (cosines[k * grid + i] as number)
      partial[row * frequencies + k] = sum
    }
}

function amplitude({ grid, frequencies, cosines }: Transform, down: number, across: number): number {
  let sum = 0
  for (let row = 0; row < grid; row++)
    sum += (partial[row * frequencies + across] as number) * (cosines[down * grid + row] as number)
  return sum
}

/** How many bits of a 32-bit number are 1. */
export function ones(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555)
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
