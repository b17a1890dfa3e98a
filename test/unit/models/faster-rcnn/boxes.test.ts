import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anchorBoxes, anchorShapes, gridOf } from '../../../../src/models/faster-rcnn/anchors.ts'
import { areaOf, clipBoxes, heightOf, iou, widthOf } from '../../../../src/models/faster-rcnn/boxes.ts'
import { decodeBox, encodeBox } from '../../../../src/models/faster-rcnn/codes.ts'
import { FULL } from '../../../../src/models/faster-rcnn/options.ts'
import { worstError } from '../../tensor/numeric.ts'

const edge = fc.integer({ min: 0, max: 12 })
/** A box of whole pixels in a square of 12. */
const wholeBox = fc
  .tuple(edge, edge, edge, edge)
  .map(([a, b, c, d]) => Float32Array.of(Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)))

function pixelsOf([top, left, bottom, right]: Float32Array): Set<string> {
  const pixels = new Set<string>()
  for (let y = top as number; y < (bottom as number); y++)
    for (let x = left as number; x < (right as number); x++) pixels.add(`${y} ${x}`)
  return pixels
}

test('IoU equals counted pixels', () => {
  fc.assert(
    fc.property(wholeBox, wholeBox, (a, b) => {
      const [inA, inB] = [pixelsOf(a), pixelsOf(b)]
      const union = inA.union(inB).size
      assert.equal(areaOf(a, 0), inA.size)
      assert.ok(Math.abs(iou(a, 0, b, 0) - (union ? inA.intersection(inB).size / union : 0)) < 1e-12)
    }),
  )
})

test('clipping leaves the pixels inside of the picture', () => {
  fc.assert(
    fc.property(wholeBox, fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), (box, height, width) => {
      const inside = pixelsOf(box).intersection(pixelsOf(Float32Array.of(0, 0, height, width)))
      assert.equal(areaOf(clipBoxes(box, { height, width }), 0), inside.size)
    }),
  )
})

test('codes equal the golden vector and decode to the box', () => {
  const anchor = Float32Array.of(50 - 20, 60 - 10, 50 + 20, 60 + 10)
  const box = Float32Array.of(54 - 30, 57 - 15, 54 + 30, 57 + 15)
  const code = new Float32Array(4)
  encodeBox(box, 0, anchor, 0, code, 0)
  assert.ok(worstError(code, [1, -1.5, 2.027326, 2.027326]) < 1e-6, String(code))
  const decoded = new Float32Array(4)
  decodeBox(code, 0, anchor, 0, decoded, 0)
  assert.ok(worstError(decoded, box) < 1e-5, String(decoded))
})

test('a code decodes to the box that it was made of, unless a side grows more than sixtyfold', () => {
  const side = fc.integer({ min: 1, max: 300 })
  const place = fc.integer({ min: -200, max: 800 })
  const someBox = fc.tuple(place, place, side, side).map(([y, x, h, w]) => Float32Array.of(y, x, y + h, x + w))
  fc.assert(
    fc.property(someBox, someBox, (box, reference) => {
      fc.pre(heightOf(box, 0) < 60 * heightOf(reference, 0) && widthOf(box, 0) < 60 * widthOf(reference, 0))
      const [code, decoded] = [new Float32Array(8), new Float32Array(8)]
      encodeBox(box, 0, reference, 0, code, 4)
      decodeBox(code, 4, reference, 0, decoded, 1)
      // Large codes relative to small boxes lose digits in float32.
      assert.ok(worstError(decoded.subarray(4), box) < 1e-3, `${decoded} for ${box}`)
    }),
  )
})

test('wild codes decode to finite boxes', () => {
  const decoded = new Float32Array(4)
  decodeBox(Float32Array.of(1e4, -1e4, 1e6, 1e6), 0, Float32Array.of(0, 0, 16, 16), 0, decoded, 0)
  assert.ok(decoded.every(Number.isFinite), String(decoded))
})

test('anchors of one scale have the golden heights and widths', () => {
  const shapes = anchorShapes({ base: 256, scales: [0.25], ratios: [0.5, 1, 2] })
  const sides = shapes.flatMap(({ height, width }) => [height, width])
  assert.ok(worstError(sides, [90.50967, 45.254834, 64, 64, 45.254834, 90.50967]) < 1e-6, String(sides))
})

test('600 × 1024 pixels at stride 16 have 38 × 64 cells and 29,184 anchors, row by row', () => {
  const grid = gridOf({ height: 600, width: 1024 }, 16)
  assert.deepEqual(grid, { height: 38, width: 64 })
  const anchors = anchorBoxes(FULL.anchors, grid, 16)
  assert.equal(anchors.length / 4, 29_184)
  const shapes = anchorShapes(FULL.anchors)
  for (const [row, column, kind] of [
    [0, 0, 0],
    [0, 1, 5],
    [1, 0, 11],
    [37, 63, 11],
  ] as const) {
    const at = 4 * ((row * 64 + column) * 12 + kind)
    const [top, left, bottom, right] = anchors.subarray(at, at + 4) as unknown as [number, number, number, number]
    const { height, width } = shapes[kind] as { height: number; width: number }
    const expected = [row * 16, column * 16, height, width]
    assert.ok(worstError([(top + bottom) / 2, (left + right) / 2, bottom - top, right - left], expected) < 1e-4)
  }
})
