/** Scenes of pose-mini: which persons a picture has, what hides parts of them, and the picture itself. */
import type { Random } from '../../support/random.ts'
import { maskOfPolygons } from '../coco/polygon-mask.ts'
import { HELD_OUT_HUE } from './object-classes.ts'
import { type Canvas, dullColour, newCanvas, noisyBytes, paintBackground, paintObject, shadesOf } from './paint.ts'
import { makePerson, PART_TEXTURE_SCALE, PARTS, type Person, polygonsOfPerson } from './person.ts'
import { areApart, boundsOf, type Place, placementOf } from './place.ts'
import { jpegOf, SCENE_GRAIN, SCENE_PIXELS } from './scene.ts'

const SCENES = {
  mostPersons: 3,
  crowdShare: 0.2,
  /** Share of persons that something in front of them hides in part. */
  hiddenShare: 0.25,
  /** Share of visible parts without a label. */
  unlabelledShare: 0.03,
  /** Share of persons too small for labels of their keypoints. */
  tinyShare: 0.06,
}
/** In pixels of the file. */
const HEIGHTS = { usual: [90, 180], tiny: [40, 50], crowd: [44, 56] } as const
/** Places that are tried for a figure before the picture goes without. */
const TRIES = 30
/** Visible pixels of a part, as a share of those painted, from which it counts as visible. */
const VISIBLE_SHARE = 0.5

export interface PosedPerson extends Person {
  readonly size: keyof typeof HEIGHTS
}

/** The persons of a crowd are one entry. */
export type Figure = readonly PosedPerson[]

export interface PaintedPoses {
  readonly jpeg: Buffer
  /** For each figure, and each of PARTS of its first person: 0 not labelled, 1 hidden, 2 visible. */
  readonly visibility: readonly (readonly number[])[]
}

export function makePoseScene(random: Random): Figure[] {
  const figures: Figure[] = []
  const add = (make: () => Figure) => {
    for (let i = 0; i < TRIES; i++) {
      const figure = make()
      const hasRoom = isInPicture(figure) && figures.every((other) => areApart(boundsFor(other), boundsFor(figure)))
      if (hasRoom) return figures.push(figure)
    }
  }
  // The first one finds room in every picture.
  add(() => makeSingle('usual', random))
  if (random.next() < SCENES.crowdShare) add(() => makeCrowd(random))
  for (let rest = random.int(SCENES.mostPersons); rest > 0; rest--) {
    const size = random.next() < SCENES.tinyShare ? 'tiny' : 'usual'
    add(() => makeSingle(size, random))
  }
  return figures
}

export function polygonsOfFigure(figure: Figure): ReturnType<typeof polygonsOfPerson> {
  return figure.flatMap((person) => polygonsOfPerson(person, SCENE_PIXELS))
}

export async function paintPoses(figures: readonly Figure[], random: Random): Promise<PaintedPoses> {
  const canvas = newCanvas(SCENE_PIXELS)
  /** Of each pixel: the place in `painted` of the part that is in front, or -1. */
  const owners = new Int32Array(SCENE_PIXELS * SCENE_PIXELS).fill(-1)
  paintBackground(canvas, random)
  const painted = figures.map((figure, i) => figure.map((person) => paintPerson(canvas, owners, i, person, random)))
  for (const figure of figures) {
    const [person] = figure
    if (person?.size === 'usual' && random.next() < SCENES.hiddenShare) paintCover(canvas, owners, person, random)
  }
  const seen = new Int32Array(figures.length * PARTS.length)
  for (const owner of owners) if (owner >= 0) seen[owner] = (seen[owner] as number) + 1
  const visibility = figures.map(([person], i) =>
    PARTS.map((_, part) => {
      if (person?.size !== 'usual' || !isInside(person.parts[part] as Place)) return 0
      return visibilityOf(seen[i * PARTS.length + part] as number, painted[i]?.[0]?.[part] ?? 0, random)
    }),
  )
  return { jpeg: await jpegOf(noisyBytes(canvas, random, SCENE_GRAIN)), visibility }
}

function visibilityOf(seen: number, painted: number, random: Random): 0 | 1 | 2 {
  if (painted === 0 || random.next() < SCENES.unlabelledShare) return 0
  return seen >= VISIBLE_SHARE * painted ? 2 : 1
}

/** @returns how many pixels each part has */
function paintPerson(
  canvas: Canvas,
  owners: Int32Array,
  figure: number,
  person: PosedPerson,
  random: Random,
): number[] {
  fill(canvas, owners, person.body, random)
  return PARTS.map(({ shape, texture }, part) => {
    const look = { shape, texture, shades: shadesOf(HELD_OUT_HUE, random), textureScale: PART_TEXTURE_SCALE }
    let pixels = 0
    const place = person.parts[part] as Person['parts'][number]
    paintObject(canvas, placementOf(place, SCENE_PIXELS), look, (pixel) => {
      owners[pixel] = figure * PARTS.length + part
      pixels++
    })
    return pixels
  })
}

/** A dull bar across one limb or side of a person. */
function paintCover(canvas: Canvas, owners: Int32Array, { parts }: Person, random: Random): void {
  const { x, y, radius } = parts[random.int(PARTS.length)] as Person['parts'][number]
  const [angle, half] = [random.next() * Math.PI, radius * (1 + random.next())]
  const [dx, dy] = [Math.cos(angle), Math.sin(angle)]
  const corner = (along: number, across: number) => [
    x + radius * 3 * along * dx - half * across * dy,
    y + radius * 3 * along * dy + half * across * dx,
  ]
  fill(canvas, owners, [[corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)].flat()], random)
}

function fill({ pixels }: Canvas, owners: Int32Array, polygons: readonly (readonly number[])[], random: Random): void {
  const colour = dullColour(random)
  const mask = maskOfPolygons(polygons, SCENE_PIXELS, SCENE_PIXELS)
  for (let i = 0; i < mask.length; i++) {
    if (!mask[i]) continue
    pixels.set(colour, 3 * i)
    owners[i] = -1
  }
}

function makeSingle(size: 'usual' | 'tiny', random: Random): Figure {
  const height = between(HEIGHTS[size], random)
  const [x, y] = [random.next() * SCENE_PIXELS, height * 0.55 + random.next() * (SCENE_PIXELS - height * 0.9)]
  return [{ ...makePerson({ x, y, height }, SCENE_PIXELS, random), size }]
}

/** Most of the parts are in the picture. */
function isInPicture([person]: Figure): boolean {
  return (person?.parts.filter(isInside) ?? []).length >= PARTS.length - 4
}

/** COCO labels no keypoint whose place the picture does not show. */
function isInside({ x, y }: Place): boolean {
  return Math.min(x, y) >= 0 && Math.max(x, y) < SCENE_PIXELS
}

function makeCrowd(random: Random): Figure {
  const height = between(HEIGHTS.crowd, random)
  const count = 4 + random.int(3)
  const left = height * 0.3 + random.next() * (SCENE_PIXELS - count * height * 0.6)
  const y = height * 0.7 + random.next() * (SCENE_PIXELS - height * 1.2)
  return Array.from({ length: count }, (_, i) => ({
    ...makePerson({ x: left + i * height * 0.55, y, height }, SCENE_PIXELS, random),
    size: 'crowd' as const,
  }))
}

function boundsFor(figure: Figure) {
  return boundsOf(polygonsOfFigure(figure))
}

function between([low, high]: readonly [number, number], random: Random): number {
  return low + random.next() * (high - low)
}
