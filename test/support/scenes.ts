/**
 * Draws scenes of simple objects, for data sets in the formats of COCO and VOC: the same seed gives the same scenes. Each
 * object has polygons, from which its picture and its mask are drawn.
 */
import sharp from 'sharp'
import { createRandom, type Random } from '../../src/support/random.ts'

export type Points = readonly number[]

export interface SceneObject {
  /** Index into SCENE_CLASSES. */
  readonly kind: number
  /** x, y, x, y, … of each part, in pixels. */
  readonly polygons: readonly Points[]
  /** x, y, visibility of the 17 keypoints of a person. */
  readonly keypoints?: readonly number[]
  /** A group that counts as one object. */
  readonly crowd: boolean
  readonly difficult: boolean
  readonly truncated: boolean
}

export interface Scene {
  readonly id: number
  readonly name: string
  readonly width: number
  readonly height: number
  /** From the back to the front. */
  readonly objects: readonly SceneObject[]
}

/** Names of VOC, with COCO's names and ids: those have gaps. */
export const SCENE_CLASSES = [
  { voc: 'person', coco: 'person', id: 1, colours: ['#c8553d', '#8e3b46', '#d98e73'] },
  { voc: 'bottle', coco: 'bottle', id: 44, colours: ['#2a9d8f', '#1f7a6f', '#45c4b0'] },
  { voc: 'tvmonitor', coco: 'tv', id: 72, colours: ['#3d405b', '#5f648c', '#22243a'] },
  { voc: 'sheep', coco: 'sheep', id: 20, colours: ['#f4f1de', '#d8d4bd', '#fffdf2'] },
] as const
const [PERSON, BOTTLE, TV, SHEEP] = [0, 1, 2, 3]

export const KEYPOINTS = [
  'nose',
  ...['eye', 'ear', 'shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle'].flatMap((part) => [
    `left_${part}`,
    `right_${part}`,
  ]),
]

/** @param first id of the first scene; ids need not begin at 1 in COCO files */
export function makeScenes(count: number, seed: number, first = 1): Scene[] {
  const random = createRandom(seed)
  return Array.from({ length: count }, (_, i) => makeScene(first + i, random))
}

/** A JPEG. */
export function drawScene({ width, height, objects, id }: Scene): Promise<Buffer> {
  const hue = (id * 47) % 360
  const drawn = objects.map(({ polygons, kind }, i) => {
    const { colours } = SCENE_CLASSES[kind] as (typeof SCENE_CLASSES)[number]
    const shapes = polygons.map((points) => `<polygon points="${points.join(' ')}"/>`).join('')
    return `<g fill="${colours[i % colours.length]}" stroke="#00000055">${shapes}</g>`
  })
  const ground = `<rect width="100%" height="100%" fill="hsl(${hue},28%,78%)"/><rect y="62%" width="100%" height="38%" fill="hsl(${(hue + 80) % 360},22%,58%)"/>`
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${ground}${drawn.join('')}</svg>`
  return sharp(Buffer.from(svg)).jpeg({ quality: 88 }).toBuffer()
}

/** The pixels whose centres are inside a polygon, row by row: 1 inside, 0 outside. */
export function maskOfPolygons(polygons: readonly Points[], width: number, height: number): Uint8Array {
  const mask = new Uint8Array(width * height)
  for (const points of polygons) {
    const [left, top, right, bottom] = boundsOf([points]).map(Math.floor) as [number, number, number, number]
    for (let y = Math.max(0, top); y <= Math.min(bottom, height - 1); y++)
      for (let x = Math.max(0, left); x <= Math.min(right, width - 1); x++)
        if (isInside(points, x + 0.5, y + 0.5)) mask[y * width + x] = 1
  }
  return mask
}

/** Left, top, right and bottom of the polygons. */
export function boundsOf(polygons: readonly Points[]): [number, number, number, number] {
  const xs = polygons.flatMap((points) => points.filter((_, i) => i % 2 === 0))
  const ys = polygons.flatMap((points) => points.filter((_, i) => i % 2 === 1))
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)]
}

function makeScene(id: number, random: Random): Scene {
  const isWide = random.int(3) > 0
  const [width, height] = isWide ? [320, 240] : [240, 320]
  const objects: SceneObject[] = []
  if (random.int(3) === 0) objects.push(flock(width, height, random))
  const makers = [person, bottle, monitor]
  for (let i = random.int(4); i >= 0; i--) {
    const make = makers[random.int(makers.length)] as (typeof makers)[number]
    objects.push(make(width, height, random))
  }
  return { id, name: `scene_${String(id).padStart(6, '0')}`, width, height, objects }
}

function person(width: number, height: number, random: Random): SceneObject {
  const tall = height * (0.35 + random.next() * 0.35)
  const left = random.next() * (width - tall * 0.5)
  const top = random.next() * (height - tall)
  const at = (x: number, y: number): [number, number] => [tenth(left + x * tall), tenth(top + y * tall)]
  const swing = random.next() * 0.08
  const joints = jointsOf(swing).map(([x, y]) => at(x, y))
  const limb = (from: number, to: number, thick: number) => quad(joints[from] as Pair, joints[to] as Pair, thick * tall)
  const limbs: [number, number][] = [
    [5, 7],
    [7, 9],
    [6, 8],
    [8, 10],
    [11, 13],
    [13, 15],
    [12, 14],
    [14, 16],
  ]
  const head = ring(...at(0.25, 0.09), 0.075 * tall, 14)
  const trunk = [5, 6, 12, 11].flatMap((i) => joints[i] as Pair)
  const keypoints = joints.flatMap(([x, y], i) => [Math.round(x), Math.round(y), i % 7 === 3 ? 1 : 2])
  return {
    ...plain(PERSON, [head, trunk, ...limbs.map(([from, to]) => limb(from, to, 0.055))]),
    keypoints,
    difficult: random.int(6) === 0,
  }
}

function bottle(width: number, height: number, random: Random): SceneObject {
  const tall = height * (0.15 + random.next() * 0.25)
  const [x, y] = [random.next() * (width - tall * 0.4), random.next() * (height - tall)]
  const outline = [0.12, 0, 0.22, 0, 0.22, 0.3, 0.34, 0.42, 0.34, 1, 0, 1, 0, 0.42, 0.12, 0.3]
  return plain(BOTTLE, [outline.map((value, i) => tenth((i % 2 === 0 ? x : y) + value * tall))])
}

/** Some reach the right edge of the picture, where they are cut. */
function monitor(width: number, height: number, random: Random): SceneObject {
  const wide = width * (0.15 + random.next() * 0.2)
  const isCut = random.int(5) === 0
  const x = isCut ? width - wide * 0.6 : random.next() * (width - wide)
  const y = random.next() * (height - wide)
  const screen = [x, y, x + wide, y, x + wide, y + wide * 0.62, x, y + wide * 0.62]
  const foot = [x + wide * 0.4, y + wide * 0.62, x + wide * 0.6, y + wide * 0.62, x + wide * 0.6, y + wide * 0.75]
  const stand = [...foot, x + wide * 0.4, y + wide * 0.75]
  const inside = [screen, stand].map((points) =>
    points.map((value, i) => tenth(i % 2 === 0 ? Math.min(value, width) : value)),
  )
  return { ...plain(TV, inside), truncated: isCut }
}

function flock(width: number, height: number, random: Random): SceneObject {
  const polygons = Array.from({ length: 5 }, () =>
    ring(random.next() * (width - 40) + 20, height * (0.5 + random.next() * 0.3), 12 + random.int(5), 12),
  )
  return { ...plain(SHEEP, polygons), crowd: true }
}

type Pair = [number, number]

/** Places of the keypoints of a person of height 1 and width 0.5. */
function jointsOf(swing: number): Pair[] {
  const sides = (dx: number, y: number): Pair[] => [
    [0.25 + dx, y],
    [0.25 - dx, y],
  ]
  return [
    [0.25, 0.1],
    ...sides(0.025, 0.08),
    ...sides(0.065, 0.09),
    ...sides(0.11, 0.22),
    ...sides(0.16 + swing / 2, 0.36),
    ...sides(0.15 + swing, 0.5),
    ...sides(0.075, 0.54),
    ...sides(0.09 + swing / 2, 0.75),
    ...sides(0.1 + swing, 0.96),
  ]
}

function plain(kind: number, polygons: readonly Points[]): SceneObject {
  return { kind, polygons, crowd: false, difficult: false, truncated: false }
}

function quad([x1, y1]: Pair, [x2, y2]: Pair, thick: number): number[] {
  const length = Math.hypot(x2 - x1, y2 - y1)
  const [dx, dy] = [((y2 - y1) / length) * (thick / 2), ((x1 - x2) / length) * (thick / 2)]
  return [x1 + dx, y1 + dy, x2 + dx, y2 + dy, x2 - dx, y2 - dy, x1 - dx, y1 - dy].map(tenth)
}

function ring(x: number, y: number, radius: number, corners: number): number[] {
  return Array.from({ length: corners }, (_, i) => (2 * Math.PI * i) / corners).flatMap((angle) => [
    tenth(x + radius * Math.cos(angle)),
    tenth(y + radius * Math.sin(angle)),
  ])
}

/** Even-odd rule. */
function isInside(points: Points, x: number, y: number): boolean {
  let inside = false
  for (let i = 0, j = points.length - 2; i < points.length; j = i, i += 2) {
    const [xi, yi, xj, yj] = [points[i], points[i + 1], points[j], points[j + 1]] as [number, number, number, number]
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside
  }
  return inside
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10
}
