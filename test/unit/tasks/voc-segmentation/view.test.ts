/** Pictures whose red and green values are the place of a pixel, and masks whose classes are: both must show the same place. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Size } from '../../../../src/input/pipeline.ts'
import { createRandom } from '../../../../src/support/random.ts'
import { cutMask, drawView, randomView, type View, wholeView } from '../../../../src/tasks/voc-segmentation/view.ts'

const OUTSIDE = 255
const PLACES = [0, 1] as const

function placePicture({ height, width }: Size) {
  const rgb = Uint8Array.from({ length: height * width * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3)
    return [pixel % width, Math.floor(pixel / width), 0][i % 3] as number
  })
  return { height, width, rgb }
}

/** The column (0) or row (1) of each pixel as its class. */
function placeMask({ height, width }: Size, axis: 0 | 1) {
  const classes = Uint8Array.from({ length: height * width }, (_, i) =>
    axis === 0 ? i % width : Math.floor(i / width),
  )
  return { height, width, classes }
}

function drawn(picture: ReturnType<typeof placePicture>, view: View): Float32Array {
  const { height, width } = view.size
  const into = new Float32Array(height * width * 3 + 2)
  drawView(picture, view, into, 1)
  assert.deepEqual([into[0], into.at(-1)], [0, 0], 'only the rows of the sample are written')
  return into.subarray(1, -1)
}

const side = fc.integer({ min: 1, max: 60 })
const size = fc.record({ height: side, width: side })
const ranges = fc.record({
  cropPixels: fc.integer({ min: 8, max: 70 }),
  minScale: fc.double({ min: 0.1, max: 1, noNaN: true }),
  maxScale: fc.double({ min: 1, max: 4, noNaN: true }),
  flip: fc.boolean(),
})

test('mask and picture show the same place in any view, and void is where the padding is', () => {
  fc.assert(
    fc.property(size, ranges, fc.integer(), (stored, given, seed) => {
      const view = randomView(stored, given, createRandom(seed))
      const values = drawn(placePicture(stored), view)
      for (const axis of PLACES) {
        const cut = cutMask(placeMask(stored, axis), view, OUTSIDE)
        assert.equal(cut.length, given.cropPixels ** 2)
        cut.forEach((place, i) => {
          const seen = ((values[i * 3 + axis] as number) + 1) * 127.5
          const blue = ((values[i * 3 + 2] as number) + 1) * 127.5
          if (place === OUTSIDE) assert.ok(Math.abs(blue - 0.406 * 255) < 0.01, 'padding has the mean colour')
          else {
            assert.ok(Math.abs(seen - place) <= 0.5 + 1e-3, `pixel ${i}: the mask shows ${place}, the picture ${seen}`)
            assert.ok(Math.abs(blue) < 1e-3)
          }
        })
      }
    }),
    { numRuns: 80 },
  )
})

test('a view has a scale in the range, lies in the picture, and pads only where the picture is smaller', () => {
  fc.assert(
    fc.property(size, ranges, fc.integer(), (stored, given, seed) => {
      const view = randomView(stored, given, createRandom(seed))
      for (const [axis, from] of [
        ['height', 'top'],
        ['width', 'left'],
      ] as const) {
        const [scaled, begin] = [view.scaled[axis], view[from]]
        assert.ok(scaled >= Math.max(1, Math.floor(stored[axis] * given.minScale)))
        assert.ok(scaled <= Math.ceil(stored[axis] * given.maxScale))
        assert.ok(begin >= 0 && begin <= Math.max(0, scaled - given.cropPixels))
      }
      if (!given.flip) assert.equal(view.flip, false)
    }),
  )
})

test('at scale 1 the crop has the pixels of the picture, and the mirrored crop the same backwards', () => {
  const stored = { height: 9, width: 7 }
  const view: View = { scaled: stored, size: { height: 4, width: 5 }, top: 3, left: 2, flip: false }
  const rows = [3, 4, 5, 6]
  const columns = [2, 3, 4, 5, 6]
  assert.deepEqual(
    [...cutMask(placeMask(stored, 0), view, OUTSIDE)],
    rows.flatMap(() => columns),
  )
  assert.deepEqual(
    [...cutMask(placeMask(stored, 1), view, OUTSIDE)],
    rows.flatMap((row) => columns.map(() => row)),
  )
  const mirrored = { ...view, flip: true }
  assert.deepEqual(
    [...cutMask(placeMask(stored, 0), mirrored, OUTSIDE)],
    rows.flatMap(() => columns.toReversed()),
  )
})

test('the whole view has every pixel of the picture unchanged', () => {
  const stored = { height: 5, width: 6 }
  const picture = placePicture(stored)
  const values = drawn(picture, wholeView(stored, stored))
  assert.deepEqual(
    [...values].map((value) => Math.round((value + 1) * 127.5)),
    [...picture.rgb],
  )
})

test('random views use all scales, places and both directions', () => {
  const given = { cropPixels: 20, minScale: 0.5, maxScale: 1.5, flip: true }
  const random = createRandom(7)
  const views = Array.from({ length: 200 }, () => randomView({ height: 40, width: 40 }, given, random))
  const heights = views.map(({ scaled }) => scaled.height)
  assert.ok(
    Math.min(...heights) < 23 && Math.max(...heights) > 57,
    `${Math.min(...heights)} to ${Math.max(...heights)}`,
  )
  assert.ok(new Set(views.map(({ top }) => top)).size > 20)
  const flipped = views.filter(({ flip }) => flip).length
  assert.ok(flipped > 70 && flipped < 130, String(flipped))
})
