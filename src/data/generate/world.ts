/**
 * The classes of jft-mini: coloured, textured shapes in a hierarchy of ten levels, such as thing > figure > curved figure >
 * round figure > hollow figure > ring > patterned ring > spotted ring > dotted ring > red dotted ring.
 */
import { createLabelMap, type Label, type LabelMap } from '../labels.ts'
import { HELD_OUT_HUE } from './object-classes.ts'
import type { Texture } from './paint.ts'
import type { Shape } from './shapes.ts'

/** What is drawn for a leaf label. */
export interface LeafClass {
  readonly name: string
  /** Names of its ancestors, the root first. */
  readonly path: readonly string[]
  readonly shape: Shape
  readonly texture: Texture
  /** Degrees on the colour wheel. */
  readonly hue: number
}

/** What jft-mini shows, and how often. */
export interface World {
  /** The last ones are the leaves, in the order of `leaves`. */
  readonly labels: LabelMap
  readonly leaves: readonly LeafClass[]
  /** Of the downstream classification set; none is in pre-training. */
  readonly downstream: readonly LeafClass[]
  readonly zipfExponent: number
}

/** Kinds of figures above each shape. */
const KINDS_OF_SHAPES: Readonly<Record<Shape, readonly string[]>> = {
  disc: ['curved', 'round'],
  ring: ['curved', 'round', 'hollow'],
  crescent: ['curved', 'round', 'hollow'],
  star: ['curved', 'wavy'],
  gear: ['curved', 'wavy'],
  triangle: ['straight', 'angular'],
  square: ['straight', 'angular', 'many-cornered'],
  pentagon: ['straight', 'angular', 'many-cornered'],
  cross: ['straight'],
}
/** Kinds of textures above each. */
const KINDS_OF_TEXTURES: Readonly<Record<Texture, readonly string[]>> = {
  plain: [],
  striped: ['patterned'],
  dotted: ['patterned', 'spotted'],
  checked: ['patterned', 'spotted'],
}
/** Degrees on the colour wheel. */
const COLOURS = { red: 0, green: 125, blue: 225 } as const
const COLOUR_NAMES = Object.keys(COLOURS) as (keyof typeof COLOURS)[]

const texturedShapes = (Object.keys(KINDS_OF_SHAPES) as Shape[]).flatMap((shape) =>
  (Object.keys(KINDS_OF_TEXTURES) as Texture[]).map((texture) => ({ shape, texture })),
)

/** Two of the three colours of each textured shape: every shape and texture has all colours. */
const leaves = texturedShapes.flatMap(({ shape, texture }, i) =>
  COLOUR_NAMES.filter((_, colour) => colour !== i % COLOUR_NAMES.length).map((colour) => {
    const figures = KINDS_OF_SHAPES[shape].map((kind) => `${kind} figure`)
    const textures = [...KINDS_OF_TEXTURES[texture], texture].map((kind) => `${kind} ${shape}`)
    const path = ['thing', 'figure', ...figures, shape, ...textures]
    return { name: `${colour} ${texture} ${shape}`, path, shape, texture, hue: COLOURS[colour] }
  }),
)

/** Of each five textured shapes in order, so that every shape and texture belongs to several classes. */
const DOWNSTREAM_OF_FIVE = 3

/**
 * Textured shapes in one colour that pre-training never sees, so that the colour tells nothing. There is no pentagon, which
 * is hard to tell from a disc in so few pixels: what no network can learn says nothing about pre-training.
 */
const downstream = texturedShapes
  .filter(({ shape }) => shape !== 'pentagon')
  .filter((_, i) => i % 5 < DOWNSTREAM_OF_FIVE)
  .map(({ shape, texture }) => ({
    name: `violet ${texture} ${shape}`,
    path: [],
    shape,
    texture,
    hue: HELD_OUT_HUE,
  }))

export const JFT_WORLD: World = makeWorld({ leaves, downstream, zipfExponent: 1.1 })

export function makeWorld(world: Omit<World, 'labels'>): World {
  return { ...world, labels: labelsOf(world.leaves) }
}

export function firstLeafOf({ labels, leaves }: World): number {
  return labels.size - leaves.length
}

/** Those nearest to the root first, and the leaves last. */
function labelsOf(leaves: readonly LeafClass[]): LabelMap {
  const parentOf = new Map<string, string | undefined>()
  const deepest = Math.max(...leaves.map(({ path }) => path.length))
  for (let depth = 0; depth < deepest; depth++)
    for (const { path } of leaves) {
      const name = path[depth]
      if (name !== undefined && !parentOf.has(name)) parentOf.set(name, path[depth - 1])
    }
  for (const { name, path } of leaves) parentOf.set(name, path.at(-1))
  const ids = new Map([...parentOf.keys()].map((name, id) => [name, id]))
  const labels = [...parentOf].map(([name, parent], id): Label => {
    return { id, name, parents: parent === undefined ? [] : [ids.get(parent) as number] }
  })
  return createLabelMap(labels, 'the labels of jft-mini')
}
