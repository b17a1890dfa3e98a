/**
 * The classes of jft-mini: textured, coloured shapes in a hierarchy
 * thing > family > shape > textured shape > coloured textured shape (the leaves).
 */
import { createLabelMap, type Label, type LabelMap } from '../labels.ts'

const FAMILIES = {
  round: ['disc', 'ring', 'crescent'],
  angular: ['triangle', 'square', 'pentagon'],
  spiky: ['cross', 'star', 'gear'],
} as const
export const TEXTURES = ['plain', 'striped', 'dotted', 'checked'] as const
/** Degrees on the colour wheel. */
export const COLOURS = { red: 0, green: 125, blue: 225 } as const

export type Shape = (typeof FAMILIES)[keyof typeof FAMILIES][number]
export type Texture = (typeof TEXTURES)[number]
export type Colour = keyof typeof COLOURS

/** What is drawn for a leaf label. */
export interface LeafClass {
  name: string
  shape: Shape
  texture: Texture
  colour: Colour
}

const leafClasses: LeafClass[] = Object.values(FAMILIES)
  .flat()
  .flatMap((shape) => TEXTURES.map((texture) => ({ shape, texture })))
  .flatMap(({ shape, texture }) =>
    (Object.keys(COLOURS) as Colour[]).map((colour) => ({
      name: `${colour} ${texture} ${shape}`,
      shape,
      texture,
      colour,
    })),
  )

/** One of the three colours of each textured shape is not in pre-training: these are the downstream classes. */
const heldOut = (leafClass: LeafClass, i: number) =>
  Math.floor(i / 3) % 3 === Object.keys(COLOURS).indexOf(leafClass.colour)
export const PRETRAIN_CLASSES: readonly LeafClass[] = leafClasses.filter((leafClass, i) => !heldOut(leafClass, i))
export const DOWNSTREAM_CLASSES: readonly LeafClass[] = leafClasses.filter(heldOut)

/** Label ids: the root, families, shapes, textured shapes, then the leaves in the order of PRETRAIN_CLASSES. */
export function worldLabels(): LabelMap {
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
  for (const { shape, texture } of PRETRAIN_CLASSES) add(`${texture} ${shape}`, shape)
  for (const { name, shape, texture } of PRETRAIN_CLASSES) add(name, `${texture} ${shape}`)
  return createLabelMap(labels, 'the labels of jft-mini')
}
