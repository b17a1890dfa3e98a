import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ClassLabels } from '../../../src/data/dataset.ts'
import type { Sample } from '../../../src/input/pipeline.ts'
import { type Crop, centreCrop, drawCrop, randomCrop, squareCrop } from '../../../src/input/square-crop.ts'
import { createRandom } from '../../../src/support/random.ts'
import { png } from '../data/builders.ts'
import { PIPELINE, SQUARE } from './builders.ts'

/** An image whose pixels have their row in red and their column in green. */
const places = Uint8Array.from({ length: SQUARE.resizePixels ** 2 * 3 }, (_, i) => {
  const pixel = Math.floor(i / 3)
  return [Math.floor(pixel / SQUARE.resizePixels), pixel % SQUARE.resizePixels, 0][i % 3] as number
})
const LENGTH = SQUARE.cropPixels ** 2 * 3
const pictureOf = (rgb: Uint8Array) => ({ rgb, height: SQUARE.resizePixels, width: SQUARE.resizePixels })
const draw = (rgb: Uint8Array, crop: Crop, into: Float32Array, offset = 0) =>
  drawCrop(pictureOf(rgb), SQUARE.cropPixels, crop, into, offset)
const rowsAndColumns = (out: Float32Array) => Array.from(out, (value) => Math.round((value + 1) * 127.5))

test('the centre crop is the middle of the image, not mirrored', () => {
  assert.deepEqual(centreCrop(SQUARE), { top: 1, left: 1, flip: false })
  assert.deepEqual(centreCrop({ ...SQUARE, resizePixels: 7 }), { top: 1, left: 1, flip: false })
  const out = new Float32Array(LENGTH)
  draw(places, centreCrop(SQUARE), out)
  const places_ = rowsAndColumns(out)
  assert.deepEqual(places_.slice(0, 6), [1, 1, 0, 1, 2, 0])
  assert.deepEqual(places_.slice(-3), [4, 4, 0])
})

test('a mirrored crop has reversed columns and unchanged rows', () => {
  const out = new Float32Array(LENGTH)
  draw(places, { top: 0, left: 2, flip: true }, out)
  const found = rowsAndColumns(out)
  assert.deepEqual(
    [0, 1, 2, 3].map((i) => found[i * 3 + 1]),
    [5, 4, 3, 2],
  )
  assert.equal(found.at(-3), 3)
})

test('a crop is written at its offset and changes nothing else', () => {
  const length = LENGTH
  const out = new Float32Array(3 * length).fill(9)
  draw(places, centreCrop(SQUARE), out, length)
  assert.ok(out.subarray(0, length).every((value) => value === 9))
  assert.ok(out.subarray(2 * length).every((value) => value === 9))
  assert.ok(out.subarray(length, 2 * length).every((value) => value !== 9))
})

test('pixels are scaled so that black is -1 and white is 1', () => {
  const bytes = Uint8Array.from({ length: SQUARE.resizePixels ** 2 * 3 }, (_, i) => (i % 2 ? 255 : 0))
  const out = new Float32Array(LENGTH)
  draw(bytes, centreCrop(SQUARE), out)
  assert.deepEqual(new Set(out), new Set([-1, 1]))
})

test('random crops reach every position, mirrored and not, and stay inside the image', () => {
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

test('no crop is mirrored without flip', () => {
  const random = createRandom(1)
  assert.ok(Array.from({ length: 50 }, () => randomCrop({ ...SQUARE, flip: false }, random)).every(({ flip }) => !flip))
})

test('training takes one random crop of an example, evaluation the centre crop; both keep its labels', () => {
  const example = { id: 'a', picture: pictureOf(places), annotation: { labels: [2, 0] } }
  const drawn = (samples: Iterable<Sample<ClassLabels>>) =>
    [...samples].map(({ size, target, draw: drawSample }) => {
      const out = new Float32Array(LENGTH)
      drawSample(out, 0)
      return { size, target, out }
    })
  const expected = (crop: Crop) => {
    const out = new Float32Array(LENGTH)
    draw(places, crop, out)
    return [{ size: { height: 4, width: 4 }, target: { labels: [2, 0] }, out }]
  }
  assert.deepEqual(drawn(PIPELINE.evaluate(example)), expected(centreCrop(SQUARE)))
  const crop = randomCrop(SQUARE, createRandom(4))
  assert.deepEqual(drawn(PIPELINE.train(example, createRandom(4))), expected(crop))
  assert.notDeepEqual(crop, centreCrop(SQUARE))
})

test('an image is decoded to the square from which crops are cut', async () => {
  const { rgb, height, width } = await squareCrop(SQUARE, () => null).decode(await png(200, 9, 3))
  assert.deepEqual([height, width, rgb.length], [6, 6, 6 * 6 * 3])
})
