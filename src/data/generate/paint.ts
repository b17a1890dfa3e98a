/** Paints pictures of the mini worlds: a background with clutter, textured objects, and noise. */
import type { Random } from '../../support/random.ts'
import { isInside, REACH, type Shape } from './shapes.ts'

export type Rgb = readonly [number, number, number]

/** A square picture; RGB values are 0 to 255, row by row. */
export interface Canvas {
  readonly pixels: Float32Array
  readonly size: number
}

/** Where an object is. The picture reaches from -1 to 1 in both directions; `turn` is in radians. */
export interface Placement {
  readonly left: number
  readonly top: number
  readonly scale: number
  readonly turn: number
}

export interface Look {
  readonly shape: Shape
  readonly texture: Texture
  /** Dark and light. */
  readonly shades: readonly [Rgb, Rgb]
  /** 2: stripes, dots and squares are twice as large as those of pre-training. 1 when absent. */
  readonly textureScale?: number
}

/** Standard deviation of the noise in each value. */
const NOISE = 10

/** 0 or 1: which of its two shades an object has at this point. */
const SHADE = {
  plain: () => 1,
  striped: (x) => (Math.sin(x * 9) > 0 ? 1 : 0),
  dotted: (x, y) => (Math.hypot(fraction(x * 2.2) - 0.5, fraction(y * 2.2) - 0.5) < 0.3 ? 0 : 1),
  checked: (x, y) => (fraction(x * 1.3) > 0.5 === fraction(y * 1.3) > 0.5 ? 1 : 0),
} satisfies Readonly<Record<string, (x: number, y: number) => number>>

export type Texture = keyof typeof SHADE

export function newCanvas(size: number): Canvas {
  return { pixels: new Float32Array(size * size * 3), size }
}

/** A gradient of two dull colours in a random direction, with a few lines across it. */
export function paintBackground({ pixels, size }: Canvas, random: Random): void {
  const [from, to] = [dullColour(random), dullColour(random)]
  const angle = random.next() * 2 * Math.PI
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
  const lines = Array.from({ length: random.int(4) }, () => {
    const a = random.next() * Math.PI
    return { cos: Math.cos(a), sin: Math.sin(a), d: random.next() - 0.5, colour: dullColour(random) }
  })
  for (let row = 0, at = 0; row < size; row++) {
    const y = place(row, size)
    for (let column = 0; column < size; column++, at += 3) {
      const x = place(column, size)
      const blend = (cos * x + sin * y + 1.5) / 3
      const line = lines.find((one) => Math.abs(one.cos * x + one.sin * y - one.d) < 0.05)
      for (let c = 0; c < 3; c++)
        pixels[at + c] = line
          ? (line.colour[c] as number)
          : (from[c] as number) * (1 - blend) + (to[c] as number) * blend
    }
  }
}

/** @param onPixel gets the index of each pixel of the object */
export function paintObject(
  { pixels, size }: Canvas,
  { left, top, scale, turn }: Placement,
  { shape, texture, shades, textureScale = 1 }: Look,
  onPixel?: (pixel: number) => void,
): void {
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)]
  const [columns, rows] = [rangeOf(left, scale, size), rangeOf(top, scale, size)]
  for (let row = rows.first; row <= rows.last; row++) {
    for (let column = columns.first; column <= columns.last; column++) {
      const [dx, dy] = [(place(column, size) - left) / scale, (place(row, size) - top) / scale]
      const [x, y] = [dx * cos + dy * sin, dy * cos - dx * sin]
      if (!isInside(shape, x, y)) continue
      const shade = shades[SHADE[texture](x / textureScale + 1.1, y / textureScale + 1.1)] as Rgb
      pixels.set(shade, (row * size + column) * 3)
      onPixel?.(row * size + column)
    }
  }
}

/**
 * Adds noise of a camera.
 * @param grain pixels of the sides of the squares that have the same noise
 * @returns RGB bytes, size · size · 3
 */
export function noisyBytes({ pixels, size }: Canvas, random: Random, grain = 1): Uint8Array {
  const grains = Math.ceil(size / grain)
  const noise = Float64Array.from({ length: grains * grains * 3 }, () => random.normal() * NOISE)
  const bytes = new Uint8ClampedArray(pixels.length)
  for (let row = 0, at = 0; row < size; row++) {
    const first = Math.floor(row / grain) * grains
    for (let column = 0; column < size; column++) {
      const from = (first + Math.floor(column / grain)) * 3
      for (let c = 0; c < 3; c++, at++) bytes[at] = Math.floor((pixels[at] as number) + (noise[from + c] as number))
    }
  }
  return new Uint8Array(bytes.buffer)
}

/** A dark and a light shade of a colour. @param degrees on the colour wheel */
export function shadesOf(degrees: number, random: Random): [Rgb, Rgb] {
  const hue = degrees + (random.next() - 0.5) * 50
  const light = 0.45 + random.next() * 0.2
  return [hsl(hue, 0.55, light * 0.35), hsl(hue, 0.75, light)]
}

export function dullColour(random: Random): Rgb {
  return hsl(random.next() * 360, 0.25, 0.25 + random.next() * 0.5)
}

/** Pixels of one direction that an object may cover. */
function rangeOf(middle: number, scale: number, size: number): { first: number; last: number } {
  const pixelAt = (position: number) => ((position + 1) / 2) * (size - 1)
  const reach = REACH * scale
  return {
    first: Math.max(0, Math.floor(pixelAt(middle - reach))),
    last: Math.min(size - 1, Math.ceil(pixelAt(middle + reach))),
  }
}

/** The middle of a row or column of pixels, from -1 to 1. */
function place(index: number, size: number): number {
  return (2 * index) / (size - 1) - 1
}

function fraction(value: number): number {
  return value - Math.floor(value)
}

/** @param hue degrees; saturation and lightness in [0, 1] */
function hsl(hue: number, saturation: number, lightness: number): Rgb {
  const channel = (n: number) => {
    const k = (n + hue / 30 + 12) % 12
    return 255 * (lightness - saturation * Math.min(lightness, 1 - lightness) * Math.max(-1, Math.min(k - 3, 9 - k, 1)))
  }
  return [channel(0), channel(8), channel(4)]
}
