import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Picture, Size } from '../../../../src/input/pipeline.ts'
import { createRandom } from '../../../../src/support/random.ts'
import { type Box, type Crop, clipBox, cropAround, toCrop, toPicture } from '../../../../src/tasks/coco-pose/crop.ts'
import { drawCrop } from '../../../../src/tasks/coco-pose/draw-crop.ts'

const FULL = { height: 353, width: 257 }

function noise(height: number, width: number, seed = 1): Picture {
  const random = createRandom(seed)
  return { height, width, rgb: Uint8Array.from({ length: height * width * 3 }, () => random.int(256)) }
}

function drawn(picture: Picture, crop: Crop, size: Size): Float32Array {
  const into = new Float32Array(size.height * size.width * 3 + 2).fill(7)
  into.fill(0, 1, -1)
  drawCrop(picture, crop, size, into, 1)
  assert.deepEqual([into[0], into.at(-1)], [7, 7], 'nothing is written outside of the row')
  return into.slice(1, -1)
}

const closeTo = (a: number, b: number, within = 1e-5) => assert.ok(Math.abs(a - b) <= within, `${a} is not ${b}`)

test('a box grows around its centre to the shape of the crop, and is then enlarged', () => {
  const wide = cropAround([100, 50, 257, 10], FULL, 1)
  assert.deepEqual(wide, { left: 100, top: 55 - 353 / 2, scale: 1, isFlipped: false })
  const tall = cropAround([100, 50, 10, 706], FULL, 1.25, true)
  assert.deepEqual(tall, { left: 105 - (2.5 * 257) / 2, top: 403 - (2.5 * 353) / 2, scale: 2.5, isFlipped: true })
})

test('a crop of any box contains the box, and points return from it', () => {
  const place = fc.double({ min: -500, max: 500, noNaN: true })
  const side = fc.double({ min: 0.01, max: 900, noNaN: true })
  const share = fc.double({ min: 0, max: 1, noNaN: true })
  fc.assert(
    fc.property(place, place, side, side, share, share, fc.boolean(), (x, y, width, height, u, v, isFlipped) => {
      const crop = cropAround([x, y, width, height], FULL, 1.25, isFlipped)
      const point: [number, number] = [x + u * width - 0.5, y + v * height - 0.5]
      const [column, row] = toCrop(...point, crop, FULL)
      assert.ok(column >= -0.5 && column <= FULL.width - 0.5 && row >= -0.5 && row <= FULL.height - 0.5)
      const back = toPicture(column, row, crop, FULL)
      closeTo(back[0], point[0], 1e-9 * (1 + Math.abs(point[0]) + width))
      closeTo(back[1], point[1], 1e-9 * (1 + Math.abs(point[1]) + height))
    }),
  )
})

test('a box is cut to the picture; nothing remains of one outside, or of one without area', () => {
  const picture = { height: 60, width: 80 }
  const cases: [Box, Box | undefined][] = [
    [
      [10, 10, 20, 20],
      [10, 10, 20, 20],
    ],
    [
      [-5, 50, 20, 20],
      [0, 50, 15, 10],
    ],
    [[1e300, 0, 1e300, 10], undefined],
    [[-30, 0, 30, 10], undefined],
    [[10, 10, 0, 20], undefined],
    [[80, 10, 5, 20], undefined],
  ]
  for (const [box, expected] of cases) assert.deepEqual(clipBox(box, picture), expected, box.join())
})

test('a crop in the resolution of the picture has its pixels; mirrored, they are in reverse', () => {
  const picture = noise(12, 9)
  const size = { height: 4, width: 5 }
  const pixel = (x: number, y: number, channel: number) =>
    (picture.rgb[(y * 9 + x) * 3 + channel] as number) / 127.5 - 1
  for (const isFlipped of [false, true]) {
    const values = drawn(picture, { left: 3, top: 6, scale: 1, isFlipped }, size)
    values.forEach((value, i) => {
      const [x, y] = [Math.floor(i / 3) % 5, Math.floor(i / 15)]
      closeTo(value, pixel(3 + (isFlipped ? 4 - x : x), 6 + y, i % 3))
    })
  }
})

test('an enlarged crop is bilinear: each value is a written-out sum of four pixels', () => {
  const picture = noise(6, 7, 2)
  const crop = { left: 1.3, top: 0.7, scale: 0.37, isFlipped: false }
  const size = { height: 8, width: 9 }
  const pixel = (x: number, y: number) =>
    x < 0 || y < 0 || x >= 7 || y >= 6 ? 0 : (picture.rgb[(y * 7 + x) * 3] as number) / 127.5 - 1
  drawn(picture, crop, size).forEach((value, i) => {
    if (i % 3 !== 0) return
    const [x, y] = toPicture(Math.floor(i / 3) % 9, Math.floor(i / 27), crop, size)
    const [left, top] = [Math.floor(x), Math.floor(y)]
    let sum = 0
    for (const [c, r] of [
      [left, top],
      [left + 1, top],
      [left, top + 1],
      [left + 1, top + 1],
    ] as const)
      sum += (1 - Math.abs(x - c)) * (1 - Math.abs(y - r)) * pixel(c, r)
    closeTo(value, sum)
  })
})

test('a crop that is coarser than the picture has the mean of the pixels under each of its own', () => {
  const picture = noise(14, 14, 3)
  const values = drawn(picture, { left: 1, top: 2, scale: 3, isFlipped: false }, { height: 4, width: 4 })
  values.forEach((value, i) => {
    const [left, top] = [1 + 3 * (Math.floor(i / 3) % 4), 2 + 3 * Math.floor(i / 12)]
    let sum = 0
    for (let y = top; y < top + 3; y++)
      for (let x = left; x < left + 3; x++) sum += picture.rgb[(y * 14 + x) * 3 + (i % 3)] as number
    closeTo(value, sum / 9 / 127.5 - 1)
  })
})

test('outside of the picture a crop is 0', () => {
  const white: Picture = { height: 10, width: 10, rgb: new Uint8Array(300).fill(255) }
  const values = drawn(white, { left: -8, top: -8, scale: 1, isFlipped: false }, { height: 12, width: 12 })
  closeTo(values[0] as number, 0)
  closeTo(values.at(-1) as number, 1)
  const away = drawn(white, { left: 500, top: -900, scale: 30, isFlipped: true }, { height: 3, width: 3 })
  assert.ok(away.every((value) => value === 0))
})
