/**
 * Pictures of several kinds to search for copies among, drawn from a seed. Pictures of one kind resemble each other: the
 * objects of jft-mini repeat class and colours, textures and graphics share palettes.
 */
import { renderImage } from '../../src/data/generate/render.ts'
import { JFT_WORLD } from '../../src/data/generate/world.ts'
import type { Random } from '../../src/support/random.ts'

export interface Raw {
  readonly rgb: Uint8Array
  readonly width: number
  readonly height: number
}

type Rgb = readonly [number, number, number]
/** The colour at a point; x and y are in [0, 1] of the longer side. */
type Paint = (x: number, y: number) => Rgb

const PALETTE: readonly Rgb[] = [
  [200, 60, 50],
  [240, 200, 60],
  [60, 120, 190],
  [50, 150, 90],
  [245, 245, 240],
  [40, 40, 50],
]
/** Few classes, so that many pairs show the same object in the same colours. */
const CLASSES = JFT_WORLD.leaves.filter((_, i) => i % 9 === 0)

export const KINDS = {
  object: (random: Random) => objectPicture(40, random),
  'large object': (random: Random) => objectPicture(96 + random.int(160), random),
  photograph: (random: Random) => painted(160 + random.int(240), photograph(random), 3, random),
  texture: (random: Random) => painted(96 + random.int(160), texture(random), 6, random),
  graphic: (random: Random) => painted(96 + random.int(200), graphic(random), 0, random),
  gradient: (random: Random) => painted(96 + random.int(200), gradient(random), 1, random),
} as const satisfies Record<string, (random: Random) => Raw>
export type Kind = keyof typeof KINDS
export const KIND_NAMES = Object.keys(KINDS) as Kind[]

/** One colour with a trace of noise, as blank pages and black frames are. */
export function nearlyUniform(random: Random): Raw {
  const colour = random.next() < 0.5 ? ([250, 250, 250] as const) : pick(PALETTE, random)
  return painted(64 + random.int(160), () => colour, random.next() * 2, random)
}

function objectPicture(size: number, random: Random): Raw {
  const shown = Array.from({ length: random.next() < 0.26 ? 2 : 1 }, () => pick(CLASSES, random))
  return { rgb: renderImage(shown, size, random), width: size, height: size }
}

/** A picture with an aspect ratio between 1:1.6 and 1.6:1. */
function painted(longer: number, paint: Paint, noise: number, random: Random): Raw {
  const shorter = Math.round(longer / (1 + random.next() * 0.6))
  const [width, height] = random.next() < 0.6 ? [longer, shorter] : [shorter, longer]
  const rgb = new Uint8Array(width * height * 3)
  for (let at = 0; at < width * height; at++) {
    const colour = paint((at % width) / longer, Math.floor(at / width) / longer)
    for (let c = 0; c < 3; c++)
      rgb[at * 3 + c] = Math.min(255, Math.max(0, Math.round((colour[c] as number) + noise * random.normal())))
  }
  return { rgb, width, height }
}

/** Clouds of noise with the spectrum of photographs (amplitude ∝ 1 / frequency), with shaded things before them. */
function photograph(random: Random): Paint {
  const clouds = valueNoise(random)
  const [low, high] = [colour(random), colour(random)]
  const horizon = 0.3 + random.next() * 0.4
  const things = Array.from({ length: 2 + random.int(5) }, () => ({
    x: random.next(),
    y: random.next(),
    radius: 0.05 + random.next() * 0.2,
    flat: 0.6 + random.next() * 0.8,
    tint: colour(random),
  }))
  return (x, y) => {
    const light = clouds(x, y)
    const thing = things.find((one) => Math.hypot(x - one.x, (y - one.y) * one.flat) < one.radius)
    if (thing) return blend([20, 20, 25], thing.tint, 0.5 + 0.5 * light + (thing.x - x) / (4 * thing.radius))
    return y < horizon ? blend(low, high, light) : blend(high, low, 0.3 + light * 0.7)
  }
}

/** Five octaves of interpolated random values. @returns values in about [0, 1] */
function valueNoise(random: Random): (x: number, y: number) => number {
  const size = 64
  const values = Float32Array.from({ length: size * size }, () => random.next())
  const at = (x: number, y: number) => values[(y % size) * size + (x % size)] as number
  const smooth = (x: number, y: number) => {
    const [x0, y0] = [Math.floor(x), Math.floor(y)]
    const [fx, fy] = [x - x0, y - y0]
    const [u, v] = [fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)]
    const top = at(x0, y0) * (1 - u) + at(x0 + 1, y0) * u
    return top * (1 - v) + (at(x0, y0 + 1) * (1 - u) + at(x0 + 1, y0 + 1) * u) * v
  }
  return (x, y) =>
    [3, 6, 12, 24, 48].reduce((sum, frequency) => sum + (smooth(x * frequency, y * frequency) * 1.55) / frequency, 0)
}

/** Stripes, checks or waves of random frequency and direction, with stains so that no two places are alike. */
function texture(random: Random): Paint {
  const one = pick(PALETTE, random)
  const other = pick(
    PALETTE.filter((rgb) => rgb !== one),
    random,
  )
  const [angle, frequency, kind] = [random.next() * Math.PI, 4 + random.next() * 20, random.int(3)]
  const stains = valueNoise(random)
  return (x, y) => {
    const along = (x * Math.cos(angle) + y * Math.sin(angle)) * frequency
    const across = (y * Math.cos(angle) - x * Math.sin(angle)) * frequency
    const wave = Math.sin(along * 2 * Math.PI)
    const check = Math.sin(along * Math.PI) * Math.sin(across * Math.PI) > 0 ? 1 : 0
    const share = kind === 0 ? (wave > 0 ? 1 : 0) : kind === 1 ? check : 0.5 + wave / 2
    return blend([60, 50, 40], blend(one, other, share), 0.3 + stains(x, y))
  }
}

/** Rectangles and discs of a small palette on a plain page, as in logos and slides. */
function graphic(random: Random): Paint {
  const page = pick(PALETTE, random)
  const marks = Array.from({ length: 4 + random.int(8) }, () => ({
    x: random.next(),
    y: random.next(),
    width: 0.04 + random.next() * 0.25,
    height: 0.04 + random.next() * 0.25,
    isDisc: random.next() < 0.5,
    tint: pick(PALETTE, random),
  }))
  return (x, y) => {
    const mark = marks.find((one) => {
      const [dx, dy] = [Math.abs(x - one.x) / one.width, Math.abs(y - one.y) / one.height]
      return one.isDisc ? dx * dx + dy * dy < 1 : dx < 1 && dy < 1
    })
    return mark?.tint ?? page
  }
}

/** A few soft lights over a linear gradient: skies, studio backgrounds. */
function gradient(random: Random): Paint {
  const [from, to] = [colour(random), colour(random)]
  const angle = random.next() * 2 * Math.PI
  const lights = Array.from({ length: 1 + random.int(3) }, () => ({
    x: random.next(),
    y: random.next(),
    radius: 0.15 + random.next() * 0.4,
    tint: colour(random),
  }))
  return (x, y) => {
    const base = blend(from, to, 0.5 + ((x - 0.5) * Math.cos(angle) + (y - 0.5) * Math.sin(angle)) * 0.7)
    return lights.reduce<Rgb>(
      (below, { tint, radius, ...light }) =>
        blend(below, tint, 0.8 * Math.exp(-(((x - light.x) ** 2 + (y - light.y) ** 2) / radius ** 2))),
      base,
    )
  }
}

function colour(random: Random): Rgb {
  return [random.next() * 255, random.next() * 255, random.next() * 255]
}

function blend(from: Rgb, to: Rgb, share: number): Rgb {
  const s = Math.min(1, Math.max(0, share))
  return [from[0] * (1 - s) + to[0] * s, from[1] * (1 - s) + to[1] * s, from[2] * (1 - s) + to[2] * s]
}

function pick<T>(items: readonly T[], random: Random): T {
  return items[random.int(items.length)] as T
}
