import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import fc from 'fast-check'
import { silentLog } from '../../../../src/support/log.ts'
import { createRandom } from '../../../../src/support/random.ts'
import type { MaskTarget } from '../../../../src/tasks/voc-segmentation/input.ts'
import {
  classesOnGrid,
  crossEntropy,
  type LogitGrid,
  upsampledClasses,
} from '../../../../src/tasks/voc-segmentation/logits.ts'
import { selectBackend } from '../../../../src/tensor/backend.ts'
import { tf } from '../../../../src/tensor/tf.ts'
import { randomValues } from '../../tensor/numeric.ts'

before(async () => void (await selectBackend('cpu', silentLog)))

const VOID = 255

function grid(height: number, width: number, classes: number, stride: number, seed: number): LogitGrid {
  return { height, width, classes, stride, logits_HWC: randomValues(height * width * classes, seed) }
}

function maskOf(height: number, width: number, seed = 1, classes = 4): MaskTarget {
  const random = createRandom(seed)
  const pixels = Uint8Array.from({ length: height * width }, () => random.int(classes))
  return { height, width, classes: pixels, seen: { height, width } }
}

const cells = fc.integer({ min: 1, max: 6 })
const cases = fc.record({
  height: cells,
  width: cells,
  classes: fc.integer({ min: 2, max: 5 }),
  stride: fc.constantFrom(4, 8),
  seed: fc.integer({ min: 1, max: 1e6 }),
})

test('a picture of stride·k + 1 pixels gets the classes of resizeBilinear with aligned corners', () => {
  fc.assert(
    fc.property(cases, ({ height, width, classes, stride, seed }) => {
      const one = grid(height, width, classes, stride, seed)
      const [rows, columns] = [stride * (height - 1) + 1, stride * (width - 1) + 1]
      const predicted = upsampledClasses(one, maskOf(rows, columns))
      const logits = tf.tidy(() => {
        const logits_HWC = tf.tensor3d(one.logits_HWC, [height, width, classes])
        return tf.image.resizeBilinear(logits_HWC, [rows, columns], true).dataSync()
      })
      predicted.forEach((predictedClass, i) => {
        const own = logits.subarray(i * classes, (i + 1) * classes)
        assert.ok((own[predictedClass] as number) >= Math.max(...own) - 1e-5, `pixel ${i}`)
      })
    }),
    { numRuns: 80 },
  )
})

test('a picture beside padding gets the classes that it would have without: padding is cut off', () => {
  const padded = grid(9, 9, 3, 8, 5)
  const whole = upsampledClasses(padded, maskOf(65, 65))
  const seen = upsampledClasses(padded, maskOf(40, 50))
  for (let y = 0; y < 40; y++)
    assert.deepEqual([...seen.subarray(y * 50, y * 50 + 50)], [...whole.subarray(y * 65, y * 65 + 50)], `row ${y}`)
})

test('a mask of more pixels than the network saw gets the classes at the places of its pixels', () => {
  fc.assert(
    fc.property(cases, fc.integer({ min: 1, max: 4 }), ({ height, width, classes, stride, seed }, times) => {
      const one = grid(height, width, classes, stride, seed)
      const seen = { height: stride * (height - 1) + 1, width: stride * (width - 1) + 1 }
      const [rows, columns] = [seen.height * times, seen.width * times]
      const predicted = upsampledClasses(one, { ...maskOf(rows, columns), seen })
      const place = (at: number, side: number, last: number) =>
        Math.min(Math.max((at + 0.5) / times - 0.5, 0), side - 1) / stride / Math.max(1, last)
      const value = (y: number, x: number, c: number) =>
        one.logits_HWC[(Math.min(y, height - 1) * width + Math.min(x, width - 1)) * classes + c] as number
      predicted.forEach((predictedClass, i) => {
        const y = place(Math.floor(i / columns), seen.height, height - 1) * Math.max(1, height - 1)
        const x = place(i % columns, seen.width, width - 1) * Math.max(1, width - 1)
        const [top, left] = [Math.floor(y), Math.floor(x)]
        const [down, right] = [y - top, x - left]
        const logits = Array.from(
          { length: classes },
          (_, c) =>
            (1 - down) * ((1 - right) * value(top, left, c) + right * value(top, left + 1, c)) +
            down * ((1 - right) * value(top + 1, left, c) + right * value(top + 1, left + 1, c)),
        )
        assert.ok((logits[predictedClass] as number) >= Math.max(...logits) - 1e-5, `pixel ${i}`)
      })
    }),
    { numRuns: 60 },
  )
})

test('of equal logits the first class counts', () => {
  const equal: LogitGrid = { height: 1, width: 2, classes: 3, stride: 4, logits_HWC: Float32Array.of(1, 2, 2, 0, 0, 0) }
  assert.deepEqual([...upsampledClasses(equal, maskOf(1, 5))], [1, 1, 1, 1, 0])
})

test('labels on the grid are those of resizeNearestNeighbor with aligned corners', () => {
  fc.assert(
    fc.property(cases, ({ height, width, stride, seed }) => {
      const target = maskOf(stride * (height - 1) + 1, stride * (width - 1) + 1, seed)
      const expected = tf.tidy(() => {
        const mask = tf.tensor3d(Float32Array.from(target.classes), [target.height, target.width, 1])
        return tf.image.resizeNearestNeighbor(mask, [height, width], true).dataSync()
      })
      assert.deepEqual([...classesOnGrid(target, { height, width }, stride)], [...expected])
    }),
    { numRuns: 60 },
  )
})

test('logits of the padding are void', () => {
  const target = maskOf(9, 5)
  const labels = classesOnGrid(target, { height: 4, width: 3 }, 4)
  const at = (y: number, x: number) => target.classes[y * 5 + x]
  const line = (y: number) => [at(y, 0), at(y, 4), VOID]
  assert.deepEqual([...labels], [...line(0), ...line(4), ...line(8), VOID, VOID, VOID])
})

test('the cross entropy counts only logits that are not void, and is finite for extreme logits', () => {
  const one: LogitGrid = {
    height: 1,
    width: 3,
    classes: 2,
    stride: 4,
    logits_HWC: Float32Array.of(1, 0, 5, 9, 1e4, -1e4),
  }
  const { sum, pixels } = crossEntropy(one, Uint8Array.of(0, VOID, 1))
  assert.equal(pixels, 2)
  assert.ok(Math.abs(sum - (Math.log(1 + Math.exp(-1)) + 2e4)) < 1e-2, String(sum))
  assert.deepEqual(crossEntropy(one, Uint8Array.of(VOID, VOID, VOID)), { sum: 0, pixels: 0 })
})
