/**
 * Draws objects of leaf classes: position, size, turn, light and clutter vary; shape, texture and hue are the class.
 */
import type { Random } from '../../support/random.ts'
import { COLOURS, type LeafClass, type Shape, type Texture } from './world.ts'

type Rgb = [number, number, number]

/**
 * Whether a point is inside the shape, in coordinates of the object: x, y in [-1.2, 1.2]; r and a are its polar form.
 */
const INSIDE: Readonly<Record<Shape, (x: number, y: number, r: number, a: number) => boolean>> = {
  disc: (_x, _y, r) => r < 0.9,
  ring: (_x, _y, r) => r < 0.95 && r > 0.5,
  crescent: (x, y, r) => r < 0.95 && Math.hypot(x - 0.45, y) > 0.75,
  triangle: (_x, _y, r, a) => polygon(3, r, a) < 0.55,
  square: (x, y) => Math.abs(x) < 0.75 && Math.abs(y) < 0.75,
  pentagon: (_x, _y, r, a) => polygon(5, r, a) < 0.75,
  cross: (x, y) => (Math.abs(x) < 0.28 && Math.abs(y) < 0.95) || (Math.abs(y) < 0.28 && Math.abs(x) < 0.95),
  star: (_x, _y, r, a) => r < 0.45 + 0.5 * Math.abs(Math.cos(2.5 * a)) ** 2,
  gear: (_x, _y, r, a) => r < (Math.cos(8 * a) > 0 ? 0.95 : 0.68) && r > 0.25,
}

function polygon(sides: number, r: number, a: number): number {
  const wedge = (2 * Math.PI) / sides
  return r * Math.cos((((a % wedge) + wedge) % wedge) - wedge / 2)
}

/** 0 or 1: which of the two shades of its class an object has at this point. */
const SHADE: Readonly<Record<Texture, (x: number, y: number) => number>> = {
  plain: () => 1,
  striped: (x) => (Math.sin(x * 9) > 0 ? 1 : 0),
  dotted: (x, y) => (Math.hypot(fraction(x * 2.2) - 0.5, fraction(y * 2.2) - 0.5) < 0.3 ? 0 : 1),
  checked: (x, y) => (fraction(x * 1.3) > 0.5 === fraction(y * 1.3) > 0.5 ? 1 : 0),
}

function fraction(value: number): number {
  return value - Math.floor(value)
}

/** @returns RGB bytes, size · size · 3 */
export function renderImage(leafClasses: readonly LeafClass[], size: number, random: Random): Uint8Array {
  const pixels = new Float32Array(size * size * 3)
  drawBackground(pixels, size, random)
  const crowded = leafClasses.length > 1
  for (const leafClass of leafClasses) drawObject(pixels, size, leafClass, crowded, random)
  return Uint8Array.from(pixels, (value) => Math.min(255, Math.max(0, value + random.normal() * 10)))
}

/** A gradient of two dull colours in a random direction, with a few lines across it. */
function drawBackground(pixels: Float32Array, size: number, random: Random): void {
  const [from, to] = [dullColour(random), dullColour(random)]
  const angle = random.next() * 2 * Math.PI
  const lines = Array.from({ length: random.int(4) }, () => ({
    a: random.next() * Math.PI,
    d: random.next() - 0.5,
    colour: dullColour(random),
  }))
  eachPixel(size, (x, y, at) => {
    const blend = (Math.cos(angle) * x + Math.sin(angle) * y + 1.5) / 3
    const line = lines.find(({ a, d }) => Math.abs(Math.cos(a) * x + Math.sin(a) * y - d) < 0.05)
    for (let c = 0; c < 3; c++) {
      pixels[at + c] = line ? (line.colour[c] as number) : (from[c] as number) * (1 - blend) + (to[c] as number) * blend
    }
  })
}

function drawObject(pixels: Float32Array, size: number, leafClass: LeafClass, crowded: boolean, random: Random): void {
  const scale = (crowded ? 0.32 : 0.42) + random.next() * 0.25
  const [left, top] = [(random.next() - 0.5) * 2 * (0.95 - scale), (random.next() - 0.5) * 2 * (0.95 - scale)]
  const turn = random.next() * 2 * Math.PI
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)]
  const shades = shadesOf(leafClass, random)
  eachPixel(size, (px, py, at) => {
    const [dx, dy] = [(px - left) / scale, (py - top) / scale]
    const [x, y] = [dx * cos + dy * sin, dy * cos - dx * sin]
    if (!INSIDE[leafClass.shape](x, y, Math.hypot(x, y), Math.atan2(y, x))) return
    const shade = shades[SHADE[leafClass.texture](x + 1.1, y + 1.1)] as Rgb
    for (let c = 0; c < 3; c++) pixels[at + c] = shade[c] as number
  })
}

/** @param visit x and y in [-1, 1], `at` the offset of the pixel */
function eachPixel(size: number, visit: (x: number, y: number, at: number) => void): void {
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      visit((2 * column) / (size - 1) - 1, (2 * row) / (size - 1) - 1, (row * size + column) * 3)
    }
  }
}

function shadesOf({ colour }: LeafClass, random: Random): [Rgb, Rgb] {
  const hue = COLOURS[colour] + (random.next() - 0.5) * 50
  const light = 0.45 + random.next() * 0.2
  return [hsl(hue, 0.55, light * 0.35), hsl(hue, 0.75, light)]
}

function dullColour(random: Random): Rgb {
  return hsl(random.next() * 360, 0.25, 0.25 + random.next() * 0.5)
}

/** @param hue degrees; saturation and lightness in [0, 1] */
function hsl(hue: number, saturation: number, lightness: number): Rgb {
  const channel = (n: number) => {
    const k = (n + hue / 30 + 12) % 12
    return 255 * (lightness - saturation * Math.min(lightness, 1 - lightness) * Math.max(-1, Math.min(k - 3, 9 - k, 1)))
  }
  return [channel(0), channel(8), channel(4)]
}
