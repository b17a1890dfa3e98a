/** Draws the pictures of jft-mini: position, size, turn, light and clutter vary; shape, texture and hue are the class. */
import type { Random } from '../../support/random.ts'
import { newCanvas, noisyBytes, paintBackground, paintObject, shadesOf } from './paint.ts'
import type { LeafClass } from './world.ts'

/** @returns RGB bytes, size · size · 3 */
export function renderImage(leafClasses: readonly LeafClass[], size: number, random: Random): Uint8Array {
  const canvas = newCanvas(size)
  paintBackground(canvas, random)
  const crowded = leafClasses.length > 1
  for (const { shape, texture, hue } of leafClasses) {
    const scale = (crowded ? 0.32 : 0.42) + random.next() * 0.25
    const [left, top] = [(random.next() - 0.5) * 2 * (0.95 - scale), (random.next() - 0.5) * 2 * (0.95 - scale)]
    const turn = random.next() * 2 * Math.PI
    const shades = shadesOf(hue, random)
    paintObject(canvas, { left, top, scale, turn }, { shape, texture, shades })
  }
  return noisyBytes(canvas, random)
}
