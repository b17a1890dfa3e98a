/** The classes that the recorded losses were measured with: those of the first jft-mini, whatever the data is today. */
import type { Texture } from '../../src/data/generate/paint.ts'
import type { Shape } from '../../src/data/generate/shapes.ts'
import { type LeafClass, makeWorld, type World } from '../../src/data/generate/world.ts'

const FAMILIES: Readonly<Record<string, readonly Shape[]>> = {
  round: ['disc', 'ring', 'crescent'],
  angular: ['triangle', 'square', 'pentagon'],
  spiky: ['cross', 'star', 'gear'],
}
const TEXTURES: readonly Texture[] = ['plain', 'striped', 'dotted', 'checked']
const COLOURS = { red: 0, green: 125, blue: 225 }

const classes: LeafClass[] = Object.entries(FAMILIES).flatMap(([family, shapes]) =>
  shapes.flatMap((shape) =>
    TEXTURES.flatMap((texture) =>
      Object.entries(COLOURS).map(([colour, hue]) => ({
        name: `${colour} ${texture} ${shape}`,
        path: ['thing', family, shape, `${texture} ${shape}`],
        shape,
        texture,
        hue,
      })),
    ),
  ),
)
const isDownstream = (_: LeafClass, i: number) => Math.floor(i / 3) % 3 === i % 3

export const GOLDEN_WORLD: World = makeWorld({
  leaves: classes.filter((leaf, i) => !isDownstream(leaf, i)),
  downstream: classes.filter(isDownstream).slice(0, 20),
  zipfExponent: 0.8,
})
