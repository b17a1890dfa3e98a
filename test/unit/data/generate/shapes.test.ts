import assert from 'node:assert/strict'
import { test } from 'node:test'
import { maskOfPolygons } from '../../../../src/data/coco/polygon-mask.ts'
import { newCanvas, paintObject } from '../../../../src/data/generate/paint.ts'
import { clipped, outlineOf, type Place, placementOf } from '../../../../src/data/generate/place.ts'
import { isInside, OUTLINES, REACH, type Shape } from '../../../../src/data/generate/shapes.ts'
import { createRandom } from '../../../../src/support/random.ts'

const SHAPES = Object.keys(OUTLINES) as Shape[]
const SIZE = 200

function painted(shape: Shape, place: Place): Uint8Array {
  const mask = new Uint8Array(SIZE * SIZE)
  const look = {
    shape,
    texture: 'plain',
    shades: [
      [0, 0, 0],
      [1, 1, 1],
    ],
  } as const
  paintObject(newCanvas(SIZE), placementOf(place, SIZE), look, (pixel) => {
    mask[pixel] = 1
  })
  return mask
}

test('the outline of each shape has the pixels that are painted, its holes filled', () => {
  const random = createRandom(3)
  for (const shape of SHAPES) {
    const place = { x: 90 + random.next() * 20, y: 100, radius: 60, turn: random.next() * 6 }
    const [paint, outline] = [painted(shape, place), maskOfPolygons([outlineOf(shape, place, SIZE)], SIZE, SIZE)]
    const isHole = (i: number) => {
      const r = Math.hypot((i % SIZE) + 0.5 - place.x, Math.floor(i / SIZE) + 0.5 - place.y) / place.radius
      return (shape === 'ring' && r < 0.52) || (shape === 'gear' && r < 0.27)
    }
    const differing = outline.filter((value, i) => value !== paint[i] && !isHole(i)).length
    const share = differing / outline.reduce((sum, value) => sum + value, 0)
    assert.ok(share < 0.02, `${shape}: ${share} of its pixels differ`)
  }
})

test('no shape reaches beyond REACH', () => {
  for (const shape of SHAPES)
    for (let a = 0; a < 6.3; a += 0.01) {
      const [x, y] = [REACH * Math.cos(a), REACH * Math.sin(a)]
      assert.ok(!isInside(shape, x, y), shape)
    }
})

test('an object at the edge of a picture is painted, and its outline is cut there', () => {
  for (const shape of SHAPES) {
    const place = { x: 10, y: SIZE - 20, radius: 50, turn: 1 }
    const outline = outlineOf(shape, place, SIZE)
    assert.ok(outline.every((value) => value >= 0 && value <= SIZE))
    const [paint, mask] = [painted(shape, place), maskOfPolygons([outline], SIZE, SIZE)]
    const missing = paint.filter((value, i) => value > (mask[i] as number)).length
    assert.ok(missing < 0.03 * paint.reduce((sum, value) => sum + value, 0), `${shape}: ${missing} pixels`)
  }
})

test('what is beyond the picture is clipped away', () => {
  assert.deepEqual(clipped([-5, 2, 5, 2, 5, 4, -5, 4], 10), [0, 2, 5, 2, 5, 4, 0, 4])
  assert.deepEqual(clipped([-5, -5, -1, -5, -1, -1], 10), [])
  assert.deepEqual(clipped([-5, -5, 15, -5, 15, 15, -5, 15], 10).length, 8)
})
