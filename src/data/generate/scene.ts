/** Scenes of coco-mini and voc-mini: which objects a picture has, where they are, and the picture itself. */
import sharp from 'sharp'
import type { Random } from '../../support/random.ts'
import { HELD_OUT_HUE, OBJECT_CLASSES, type ObjectClass } from './object-classes.ts'
import { newCanvas, noisyBytes, paintBackground, paintObject, shadesOf } from './paint.ts'
import { areApart, type Bounds, boundsOf, outlineOf, type Place, type Polygon, placementOf } from './place.ts'

export const SCENE_PIXELS = 256
/** Tasks on the mini worlds resize pictures to 64 pixels, so the noise has squares of this size. */
export const SCENE_GRAIN = 4
const JPEG_QUALITY = 92

const SCENES = {
  mostObjects: 4,
  crowdShare: 0.12,
  /** Share of objects that an edge of the picture cuts. */
  cutShare: 0.12,
  smallShare: 0.08,
  largeShare: 0.12,
}
/** In pixels of the file. Tasks see a quarter of them: most objects are 14 to 30 pixels wide there, as in jft-mini. */
const RADII = { small: [14, 18], usual: [28, 60], large: [62, 76], crowd: [10, 14] } as const
/** Places that are tried for an object before the picture goes without it. */
const TRIES = 40

export interface SceneObject {
  /** Index into OBJECT_CLASSES. */
  readonly kind: number
  /** One, or those of a crowd. */
  readonly places: readonly Place[]
  readonly size: keyof typeof RADII
  /** An edge of the picture cuts it. */
  readonly isCut: boolean
}

export interface PaintedScene {
  readonly jpeg: Buffer
  /** For each pixel the index of the object there, or -1. */
  readonly owners: Int16Array
}

/** @param options crowds: some pictures have one, in formats that can say so */
export function makeScene(random: Random, { crowds }: { crowds: boolean }): SceneObject[] {
  const objects: SceneObject[] = []
  const add = (object: SceneObject | undefined) => object && objects.push(object)
  if (crowds && random.next() < SCENES.crowdShare) add(makeCrowd(random))
  const count = 1 + random.int(SCENES.mostObjects)
  for (let i = 0; i < count; i++) add(makeObject(objects, random))
  return objects
}

/** The polygons of an object, inside the picture. */
export function polygonsOf({ kind, places }: SceneObject): Polygon[] {
  const { shape } = OBJECT_CLASSES[kind] as ObjectClass
  return places.map((place) => outlineOf(shape, place, SCENE_PIXELS)).filter(({ length }) => length > 0)
}

export async function paintScene(objects: readonly SceneObject[], random: Random): Promise<PaintedScene> {
  const canvas = newCanvas(SCENE_PIXELS)
  const owners = new Int16Array(SCENE_PIXELS * SCENE_PIXELS).fill(-1)
  paintBackground(canvas, random)
  objects.forEach(({ kind, places }, index) => {
    const { shape, texture } = OBJECT_CLASSES[kind] as ObjectClass
    const look = { shape, texture, shades: shadesOf(HELD_OUT_HUE, random) }
    for (const place of places)
      paintObject(canvas, placementOf(place, SCENE_PIXELS), look, (pixel) => {
        owners[pixel] = index
      })
  })
  return { jpeg: await jpegOf(noisyBytes(canvas, random, SCENE_GRAIN)), owners }
}

export function jpegOf(rgb: Uint8Array): Promise<Buffer> {
  const raw = { width: SCENE_PIXELS, height: SCENE_PIXELS, channels: 3 } as const
  return sharp(rgb, { raw }).jpeg({ quality: JPEG_QUALITY, chromaSubsampling: '4:4:4' }).toBuffer()
}

/** undefined if the picture has no room for it. */
function makeObject(others: readonly SceneObject[], random: Random): SceneObject | undefined {
  const kind = random.int(OBJECT_CLASSES.length)
  const size = sizeOf(random)
  const radius = between(RADII[size], random)
  const isCut = random.next() < SCENES.cutShare
  for (let i = 0; i < TRIES; i++) {
    const object = { kind, size, isCut, places: [placeOf(radius, isCut, random)] }
    if (others.every((other) => areApart(boundsFor(other), boundsFor(object)))) return object
  }
}

function sizeOf(random: Random): 'small' | 'usual' | 'large' {
  const point = random.next()
  if (point < SCENES.smallShare) return 'small'
  return point < SCENES.smallShare + SCENES.largeShare ? 'large' : 'usual'
}

function placeOf(radius: number, isCut: boolean, random: Random): Place {
  const anywhere = () => radius + random.next() * (SCENE_PIXELS - 2 * radius)
  const [along, turn] = [anywhere(), random.next() * 2 * Math.PI]
  if (!isCut) return { x: along, y: anywhere(), radius, turn }
  // Its middle is inside the picture, but less than half a radius from an edge.
  const across = radius * (0.1 + random.next() * 0.4)
  const edge = random.int(2) === 0 ? across : SCENE_PIXELS - across
  return random.int(2) === 0 ? { x: edge, y: along, radius, turn } : { x: along, y: edge, radius, turn }
}

/** Two rows of small objects of one class that nearly touch. */
function makeCrowd(random: Random): SceneObject {
  const [radius, columns] = [between(RADII.crowd, random), 4 + random.int(3)]
  const step = 2 * radius + 1
  const left = step + random.next() * (SCENE_PIXELS - (columns + 1) * step)
  const top = step + random.next() * (SCENE_PIXELS - 3 * step)
  const shift = () => (random.next() - 0.5) * radius * 0.4
  const places = Array.from({ length: 2 * columns }, (_, i) => ({
    x: left + (i % columns) * step + shift(),
    y: top + Math.floor(i / columns) * step + shift(),
    radius,
    turn: random.next() * 2 * Math.PI,
  }))
  return { kind: random.int(OBJECT_CLASSES.length), places, size: 'crowd', isCut: false }
}

function boundsFor(object: SceneObject): Bounds {
  return boundsOf(polygonsOf(object))
}

function between([low, high]: readonly [number, number], random: Random): number {
  return low + random.next() * (high - low)
}
