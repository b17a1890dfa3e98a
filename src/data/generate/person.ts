/**
 * The persons of pose-mini. Each of COCO's keypoints is a part with a look of its own: the shape tells which part it is, and
 * the texture alone whether it is left or right, because half of the persons turn their back.
 */
import type { Random } from '../../support/random.ts'
import type { Texture } from './paint.ts'
import { clipped, outlineOf, type Place, type Polygon } from './place.ts'
import type { Shape } from './shapes.ts'

type Point = readonly [x: number, y: number]

const SHAPE_OF_PART = {
  nose: 'disc',
  eye: 'ring',
  ear: 'crescent',
  shoulder: 'square',
  elbow: 'triangle',
  wrist: 'star',
  hip: 'pentagon',
  knee: 'cross',
  ankle: 'gear',
} as const satisfies Readonly<Record<string, Shape>>
type Part = keyof typeof SHAPE_OF_PART
const TEXTURES = { left: 'striped', right: 'checked', middle: 'plain' } as const satisfies Record<string, Texture>
/** Small parts show few stripes and squares. */
export const PART_TEXTURE_SCALE = 2

const PAIRED: readonly Part[] = ['eye', 'ear', 'shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle']

/** In COCO's order. */
export const PARTS = [
  partOf('nose', 'middle'),
  ...PAIRED.flatMap((part) => [partOf(part, 'left'), partOf(part, 'right')]),
]
/** Pairs of COCO's file, which counts keypoints from 1. */
export const SKELETON: readonly (readonly [number, number])[] = [
  [16, 14],
  [14, 12],
  [17, 15],
  [15, 13],
  [12, 13],
  [6, 12],
  [7, 13],
  [6, 7],
  [6, 8],
  [7, 9],
  [8, 10],
  [9, 11],
  [2, 3],
  [1, 2],
  [1, 3],
  [2, 4],
  [3, 5],
  [4, 6],
  [5, 7],
]
const LIMBS = ['shoulder elbow', 'elbow wrist', 'hip knee', 'knee ankle'].flatMap((limb) =>
  ['left', 'right'].map((side) => limb.split(' ').map((part) => `${side}_${part}`) as [string, string]),
)

/** Lengths are shares of the height of a person who stands upright. */
const BODY = {
  partRadius: 0.085,
  headRadius: 0.2,
  headY: 0.15,
  limb: 0.18,
  limbWidth: 0.06,
  /** Places of the left parts of a person who turns the back; y from the top of the head. */
  joints: { eye: [-0.1, 0.09], ear: [-0.27, 0.12], shoulder: [-0.19, 0.39], hip: [-0.1, 0.63] },
  nose: [0, 0.25],
} as const
const DEGREES = Math.PI / 180
/** Angles in degrees; 0 is down, and positive ones point away from the body. */
const SWING = { upperArm: [-5, 130], forearm: [-80, 80], thigh: [-8, 45], shin: [-40, 25], lean: [-20, 20] } as const

export interface Person {
  /** Where each of PARTS is. */
  readonly parts: readonly Place[]
  /** Head, body and limbs, in pixels, inside the picture. */
  readonly body: readonly Polygon[]
}

/** @param at the middle between the hips, and the height of the person, in pixels of a picture of `size`·`size` */
export function makePerson(at: { x: number; y: number; height: number }, size: number, random: Random): Person {
  const isBack = random.int(2) === 0
  const lean = swing('lean', random)
  const joints = makeJoints(random)
  const [cos, sin] = [Math.cos(lean), Math.sin(lean)]
  const inPicture = ([x, y]: Point): Point => {
    const [dx, dy] = [(isBack ? x : -x) * at.height, (y - BODY.joints.hip[1]) * at.height]
    return [at.x + dx * cos - dy * sin, at.y + dx * sin + dy * cos]
  }
  const placed = new Map([...joints].map(([name, point]) => [name, inPicture(point)]))
  const radius = BODY.partRadius * at.height
  const parts = PARTS.map(({ name }): Place => {
    const [x, y] = placed.get(name) as Point
    return { x, y, radius, turn: random.next() * 2 * Math.PI }
  })
  return { parts, body: bodyOf(placed, inPicture([0, BODY.headY]), at.height, size) }
}

/** The polygons of a person, parts included, inside the picture. */
export function polygonsOfPerson({ parts, body }: Person, size: number): Polygon[] {
  const outlines = parts.map((place, i) => outlineOf((PARTS[i] as (typeof PARTS)[number]).shape, place, size))
  return [...body, ...outlines].filter(({ length }) => length > 0)
}

function partOf(part: Part, side: keyof typeof TEXTURES) {
  const name = side === 'middle' ? part : `${side}_${part}`
  return { name, shape: SHAPE_OF_PART[part], texture: TEXTURES[side] }
}

/** Of a person who turns the back, 1 high: x from the middle, y from the top. */
function makeJoints(random: Random): Map<string, Point> {
  const joints = new Map<string, Point>([['nose', BODY.nose]])
  for (const side of ['left', 'right'] as const) {
    const outward = side === 'left' ? -1 : 1
    for (const [part, [x, y]] of Object.entries(BODY.joints)) joints.set(`${side}_${part}`, [-outward * x, y])
    const limb = (names: readonly [string, string, string], upper: keyof typeof SWING, lower: keyof typeof SWING) => {
      const angle = swing(upper, random)
      const middle = step(joints.get(`${side}_${names[0]}`) as Point, angle, outward)
      joints.set(`${side}_${names[1]}`, middle)
      joints.set(`${side}_${names[2]}`, step(middle, angle + swing(lower, random), outward))
    }
    limb(['shoulder', 'elbow', 'wrist'], 'upperArm', 'forearm')
    limb(['hip', 'knee', 'ankle'], 'thigh', 'shin')
  }
  return joints
}

/** @returns radians */
function swing(name: keyof typeof SWING, random: Random): number {
  const [low, high] = SWING[name]
  return (low + random.next() * (high - low)) * DEGREES
}

function step([x, y]: Point, angle: number, outward: number): Point {
  return [x + outward * BODY.limb * Math.sin(angle), y + BODY.limb * Math.cos(angle)]
}

function bodyOf(joints: ReadonlyMap<string, Point>, head: Point, height: number, size: number): Polygon[] {
  const at = (name: string) => joints.get(name) as Point
  const trunk = ['left_shoulder', 'right_shoulder', 'right_hip', 'left_hip'].flatMap((name) => [...at(name)])
  const limbs = LIMBS.map(([from, to]) => bar(at(from), at(to), BODY.limbWidth * height))
  const round = outlineOf('disc', { x: head[0], y: head[1], radius: (BODY.headRadius / 0.9) * height, turn: 0 }, size)
  const neck = bar(head, middleOf(at('left_shoulder'), at('right_shoulder')), BODY.limbWidth * height)
  return [round, ...[trunk, neck, ...limbs].map((polygon) => clipped(polygon, size))]
}

/** A line as a polygon of this width. The two points must differ. */
function bar([x1, y1]: Point, [x2, y2]: Point, width: number): Polygon {
  const half = width / 2 / Math.hypot(x2 - x1, y2 - y1)
  const [dx, dy] = [(y2 - y1) * half, (x1 - x2) * half]
  return [x1 + dx, y1 + dy, x2 + dx, y2 + dy, x2 - dx, y2 - dy, x1 - dx, y1 - dy]
}

function middleOf([x1, y1]: Point, [x2, y2]: Point): Point {
  return [(x1 + x2) / 2, (y1 + y2) / 2]
}
