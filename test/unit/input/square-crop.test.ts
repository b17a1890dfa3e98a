import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { centreCrop, cropLength, randomCrop, writeCrop } from '../../../src/input/square-crop.ts'
import { createRandom } from '../../../src/support/random.ts'
import { SQUARE } from '../data/builders.ts'

/** Each pixel says where it is: red the row, green the column. */
const places = Uint8Array.from({ length: SQUARE.resizePixels ** 2 * 3 }, (_, i) => {
  const pixel = Math.floor(i / 3)
  return [Math.floor(pixel / SQUARE.resizePixels), pixel % SQUARE.resizePixels, 0][i % 3] as number
})
const rowsAndColumns = (out: Float32Array) => Array.from(out, (value) => Math.round((value + 1) * 127.5))

test('the centre crop is the middle, not mirrored', () => {
  assert.deepEqual(centreCrop(SQUARE), { top: 1, left: 1, flip: false })
  assert.deepEqual(centreCrop({ ...SQUARE, resizePixels: 7 }), { top: 1, left: 1, flip: false })
  const out = new Float32Array(cropLength(SQUARE))
  writeCrop(places, SQUARE, centreCrop(SQUARE), out, 0)
  const places_ = rowsAndColumns(out)
  assert.deepEqual(places_.slice(0, 6), [1, 1, 0, 1, 2, 0])
  assert.deepEqual(places_.slice(-3), [4, 4, 0])
})

test('a mirrored crop has the columns from right to left, and the rows as they were', () => {
  const out = new Float32Array(cropLength(SQUARE))
  writeCrop(places, SQUARE, { top: 0, left: 2, flip: true }, out, 0)
  const found = rowsAndColumns(out)
  assert.deepEqual(
    [0, 1, 2, 3].map((i) => found[i * 3 + 1]),
    [5, 4, 3, 2],
  )
  assert.equal(found.at(-3), 3)
})

test('a crop is written at its offset and touches nothing else', () => {
  const length = cropLength(SQUARE)
  const out = new Float32Array(3 * length).fill(9)
  writeCrop(places, SQUARE, centreCrop(SQUARE), out, length)
  assert.ok(out.subarray(0, length).every((value) => value === 9))
  assert.ok(out.subarray(2 * length).every((value) => value === 9))
  assert.ok(out.subarray(length, 2 * length).every((value) => value !== 9))
})

test('black is -1, white is 1, and nothing is outside', () => {
  const bytes = Uint8Array.from({ length: SQUARE.resizePixels ** 2 * 3 }, (_, i) => (i % 2 ? 255 : 0))
  const out = new Float32Array(cropLength(SQUARE))
  writeCrop(bytes, SQUARE, centreCrop(SQUARE), out, 0)
  assert.deepEqual(new Set(out), new Set([-1, 1]))
})

test('random crops reach every place, mirrored and not, and never leave the picture', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 4 }), (seed, crop, room) => {
      const input = { resizePixels: crop + room, cropPixels: crop, flip: true }
      const random = createRandom(seed)
      const crops = Array.from({ length: 400 }, () => randomCrop(input, random))
      for (const edge of ['top', 'left'] as const) {
        assert.deepEqual(
          [...new Set(crops.map((one) => one[edge]))].sort(),
          Array.from({ length: room + 1 }, (_, i) => i),
        )
      }
      // Binomial, n 400: five standard deviations are 50.
      assert.ok(Math.abs(crops.filter(({ flip }) => flip).length - 200) < 50)
    }),
    { numRuns: 20 },
  )
})

test('without flip nothing is mirrored', () => {
  const random = createRandom(1)
  assert.ok(Array.from({ length: 50 }, () => randomCrop({ ...SQUARE, flip: false }, random)).every(({ flip }) => !flip))
})
