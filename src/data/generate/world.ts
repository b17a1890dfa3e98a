/**
 * The classes of jft-mini: textured, coloured shapes in a hierarchy
 * thing > family > shape > textured shape > coloured textured shape (the leaves).
 */
import { createLabelMap, type Label, type LabelMap } from '../labels.ts'
import type { Texture } from './paint.ts'
import type { Shape } from './shapes.ts'

const FAMILIES = {
  round: ['disc', 'ring', 'crescent'],
  angular: ['triangle', 'square', 'pentagon'],
  spiky: ['cross', 'star', 'gear'],
} as const satisfies Readonly<Record<string, readonly Shape[]>>
const TEXTURES: readonly Texture[] = ['plain', 'striped', 'dotted', 'checked']
/** Degrees on the colour wheel. */
const COLOURS = { red: 0, green: 125, blue: 225 } as const
type Colour = keyof typeof COLOURS

/** What is drawn for a leaf label. */
export interface LeafClass {
  readonly name: string
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

export function firstLeafOf({ labels, leaves }: World): number {
  return labels.size - leaves.length
}

const leafClasses: LeafClass[] = Object.values(FAMILIES)
  .flat()
  .flatMap((shape) => TEXTURES.map((texture) => ({ shape, texture })))
  .flatMap(({ shape, texture }) =>
    (Object.keys(COLOURS) as Colour[]).map((colour) => ({
      name: `${colour} ${texture} ${shape}`,
      shape,
      texture,
      hue: COLOURS[colour],
    })),
  )

/** One of the three colours of each textured shape is not in pre-training: these are the downstream classes. */
const heldOut = ({ hue }: LeafClass, i: number) => Math.floor(i / 3) % 3 === Object.values<number>(COLOURS).indexOf(hue)

export const JFT_WORLD: World = worldOf(
  leafClasses.filter((leafClass, i) => !heldOut(leafClass, i)),
  leafClasses.filter(heldOut).slice(0, 20),
)

/** Label ids: the root, families, shapes, textured shapes, then the leaves. */
function worldOf(leaves: readonly LeafClass[], downstream: readonly LeafClass[]): World {
  const labels: Label[] = []
  const idOf = new Map<string, number>()
  const add = (name: string, parent?: string) => {
    if (idOf.has(name)) return
    idOf.set(name, labels.length)
    labels.push({ id: labels.length, name, parents: parent === undefined ? [] : [idOf.get(parent) as number] })
  }
  add('thing')
  for (const family of Object.keys(FAMILIES)) add(family, 'thing')
  for (const [family, shapes] of Object.entries(FAMILIES)) for (const shape of shapes) add(shape, family)
  for (const { shape, texture } of leaves) add(`${texture} ${shape}`, shape)
  for (const { name, shape, texture } of leaves) add(name, `${texture} ${shape}`)
  return { labels: createLabelMap(labels, 'the labels of jft-mini'), leaves, downstream, zipfExponent: 0.8 }
}
