import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeRuns, encodeRuns, maskOf, runsArea, runsOf } from '../../../../src/data/coco/rle.ts'

const mask = fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 })).chain(([height, width]) =>
  fc.record({
    height: fc.constant(height),
    width: fc.constant(width),
    pixels: fc.uint8Array({ min: 0, max: 1, minLength: height * width, maxLength: height * width }),
  }),
)

test('runs of any mask give the mask again, add up to its pixels, and begin with 0', () => {
  fc.assert(
    fc.property(mask, ({ height, width, pixels }) => {
      const runs = runsOf(pixels, height, width)
      assert.deepEqual(maskOf(runs, height, width), pixels)
      assert.equal(
        runs.reduce((sum, run) => sum + run, 0),
        height * width,
      )
      assert.equal(
        runsArea(runs),
        pixels.reduce((sum, pixel) => sum + pixel, 0),
      )
      assert.ok(runs.slice(1).every((run) => run > 0))
    }),
  )
})

test('compressed runs give the runs again, whatever their lengths', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 31 - 1 })), (runs) => {
      assert.deepEqual(decodeRuns(encodeRuns(runs)), runs)
    }),
  )
})

test('any text is decoded or refused', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        assert.ok(decodeRuns(text).every(Number.isSafeInteger))
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'RLE_INVALID')
      }
    }),
  )
})

test('runs go down the columns', () => {
  // Row by row: 0 1 / 0 1 / 1 0
  assert.deepEqual(runsOf(Uint8Array.from([0, 1, 0, 1, 1, 0]), 3, 2), [2, 3, 1])
})
