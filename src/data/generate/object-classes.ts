/**
 * The classes of coco-mini and voc-mini: textured shapes of one colour that pre-training never sees. Each shape and each
 * texture belongs to several classes, so neither tells the class, and the colour tells nothing.
 */
import type { Texture } from './paint.ts'
import type { Shape } from './shapes.ts'

/** Degrees on the colour wheel: violet, as far from the colours of jft-mini as there is. */
export const HELD_OUT_HUE = 292

export interface ObjectClass {
  readonly name: string
  readonly shape: Shape
  readonly texture: Texture
}

const SHAPES_AND_TEXTURES: readonly (readonly [Shape, Texture])[] = [
  ['disc', 'striped'],
  ['disc', 'dotted'],
  ['ring', 'plain'],
  ['ring', 'checked'],
  ['triangle', 'striped'],
  ['triangle', 'checked'],
  ['square', 'dotted'],
  ['square', 'plain'],
  ['star', 'striped'],
  ['star', 'dotted'],
]

export const OBJECT_CLASSES: readonly ObjectClass[] = SHAPES_AND_TEXTURES.map(([shape, texture]) => ({
  name: `${texture} ${shape}`,
  shape,
  texture,
}))
