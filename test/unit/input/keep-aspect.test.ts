import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  fittedSize,
  type KeepAspectOptions,
  keepAspect,
  paddedSize,
  type View,
} from '../../../src/input/keep-aspect.ts'
import type { Picture, Sample } from '../../../src/input/pipeline.ts'
import { createRandom } from '../../../src/support/random.ts'
import { png } from '../data/builders.ts'

const PAPER = { shortSidePixels: 600, longSidePixels: 1024, padToPixels: 128, flip: true }
const size = (height: number, width: number) => ({ height, width })

test('the short side becomes 600 pixels, unless the long one would exceed 1024', () => {
  assert.deepEqual(fittedSize(size(480, 640), PAPER), size(600, 800))
  assert.deepEqual(fittedSize(size(640, 480), PAPER), size(800, 600))
  assert.deepEqual(fittedSize(size(375, 500), PAPER), size(600, 800))
  assert.deepEqual(fittedSize(size(300, 900), PAPER), size(341, 1024))
  assert.deepEqual(fittedSize(size(6000, 6000), PAPER), size(600, 600))
  assert.deepEqual(fittedSize(size(600, 1024), PAPER), size(600, 1024))
  assert.deepEqual(fittedSize(size(1, 50_000), PAPER), size(1, 1024))
})

test('sizes are padded to the next multiple of the long side, and 600×1024 is not padded', () => {
  assert.deepEqual(paddedSize(size(600, 800), PAPER), size(600, 896))
  assert.deepEqual(paddedSize(size(800, 600), PAPER), size(896, 600))
  assert.deepEqual(paddedSize(size(600, 600), PAPER), size(600, 640))
  assert.deepEqual(paddedSize(size(341, 1024), PAPER), size(600, 1024))
  assert.deepEqual(paddedSize(size(600, 1024), PAPER), size(600, 1024))
})

const options = fc
  .record({ short: fc.integer({ min: 16, max: 800 }), more: fc.nat(600), pad: fc.integer({ min: 16, max: 300 }) })
  .map(({ short, more, pad }) => ({
    shortSidePixels: short,
    longSidePixels: short + more,
    padToPixels: pad,
    flip: true,
  }))
const sizes = fc.record({ height: fc.integer({ min: 1, max: 20_000 }), width: fc.integer({ min: 1, max: 20_000 }) })

test('a resized picture fits its padded size, keeps its shape to a pixel, and both sides stay within their limits', () => {
  fc.assert(
    fc.property(options, sizes, (limits, stored) => {
      const fitted = fittedSize(stored, limits)
      const padded = paddedSize(fitted, limits)
      const [short, long] = [Math.min(padded.height, padded.width), Math.max(padded.height, padded.width)]
      assert.ok(fitted.height >= 1 && fitted.width >= 1)
      assert.ok(fitted.height <= padded.height && fitted.width <= padded.width, `${JSON.stringify({ fitted, padded })}`)
      assert.ok(short === limits.shortSidePixels && long <= limits.longSidePixels)
      const exact = (fitted.height / stored.height) * stored.width
      if (fitted.height >= fitted.width && fitted.width > 1)
        assert.ok(Math.abs(exact - fitted.width) <= 1, `${exact} and ${fitted.width}`)
    }),
  )
})

test('there are as few padded sizes as the comment says', () => {
  const found = new Set<string>()
  for (let width = 100; width <= 4000; width += 7)
    for (const stored of [size(1000, width), size(width, 1000)]) {
      const { height, width } = paddedSize(fittedSize(stored, PAPER), PAPER)
      found.add(`${height}×${width}`)
    }
  assert.deepEqual(
    [...found].sort(),
    [...['600×1024', '600×640', '600×768', '600×896', '640×600', '768×600', '896×600'], '1024×600'].sort(),
  )
})

describe('the pipeline', () => {
  const SMALL: KeepAspectOptions = {
    shortSidePixels: 16,
    longSidePixels: 32,
    padToPixels: 16,
    flip: true,
    resizeFilter: 'lanczos3',
  }
  /** Pixels have their row in red and their column in green. */
  const picture: Picture = {
    ...size(16, 20),
    rgb: Uint8Array.from(
      { length: 16 * 20 * 3 },
      (_, i) => [Math.floor(i / 60), Math.floor(i / 3) % 20, 0][i % 3] as number,
    ),
  }
  const pipeline = keepAspect<null, View>(SMALL, (_, view) => view)
  const drawn = ({ draw, size: { height, width } }: Sample<View>) => {
    const out = new Float32Array(height * width * 3 + 2).fill(9)
    draw(out, 1)
    assert.deepEqual([out[0], out.at(-1)], [9, 9], 'nothing else is written')
    return out.subarray(1, -1)
  }
  const pixel = (out: Float32Array, row: number, column: number) =>
    Array.from(out.subarray((row * 32 + column) * 3, (row * 32 + column + 1) * 3), (value) =>
      Math.round((value + 1) * 127.5),
    )

  test('draws the picture at the upper left and grey beside it', () => {
    const [sample] = [...pipeline.evaluate({ id: '1', picture, annotation: null })] as [Sample<View>]
    assert.deepEqual(sample.target, { size: size(16, 20), padded: size(16, 32), flip: false, seed: 0 })
    const out = drawn(sample)
    assert.deepEqual(pixel(out, 0, 0), [0, 0, 0])
    assert.deepEqual(pixel(out, 15, 19), [15, 19, 0])
    assert.ok(out.every((value, i) => Math.floor(i / 3) % 32 < 20 || value === 0))
  })

  test('mirrors the picture and not the padding, half of the time, with a new seed each time', () => {
    const random = createRandom(5)
    const samples = Array.from({ length: 400 }, () => [
      ...pipeline.train({ id: '1', picture, annotation: null }, random),
    ]).flat()
    const mirrored = samples.filter(({ target }) => target.flip)
    assert.ok(Math.abs(mirrored.length - 200) < 50, `${mirrored.length} of 400`)
    const out = drawn(mirrored[0] as Sample<View>)
    assert.deepEqual(pixel(out, 3, 0), [3, 19, 0])
    assert.deepEqual(pixel(out, 3, 19), [3, 0, 0])
    assert.equal(out[20 * 3], 0)
    assert.ok(new Set(samples.map(({ target }) => target.seed)).size > 395)
    assert.ok(samples.every(({ target: { seed } }) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31))
  })

  test('decodes to the fitted size, without a rotation', async () => {
    const decoded = await pipeline.decode(await png(200, 40, 30))
    assert.deepEqual([decoded.height, decoded.width, decoded.rgb.length], [16, 21, 16 * 21 * 3])
  })
})
