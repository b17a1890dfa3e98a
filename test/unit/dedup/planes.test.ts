import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { differenceAfterAlignment } from '../../../src/dedup/align.ts'
import { hashesOf } from '../../../src/dedup/hash.ts'
import { averages, type Planes, planesOf, type Rectangle, SIDE, thumbnailOf, WHOLE } from '../../../src/dedup/planes.ts'
import { solve } from '../../../src/dedup/solve.ts'
import { createRandom } from '../../../src/support/random.ts'

/** Clouds and a shape: x and y are in [0, 1]. */
function scene(seed: number): (x: number, y: number) => number[] {
  const random = createRandom(seed)
  const waves = Array.from({ length: 8 }, () => [
    1 + random.int(4),
    random.next() * 6,
    random.next() * 6,
    random.int(3),
  ])
  return (x, y) => {
    const rgb = [120, 120, 120]
    for (const [frequency = 0, px = 0, py = 0, channel = 0] of waves)
      rgb[channel] = (rgb[channel] as number) + 35 * Math.sin(frequency * 3 * x + px) * Math.cos(frequency * 2 * y + py)
    return rgb
  }
}

/** The part of the scene in the rectangle. */
function drawn(paint: (x: number, y: number) => number[], area: Rectangle, mirrored = false): Planes {
  const rgb = new Uint8Array(SIDE * SIDE * 3)
  for (let row = 0; row < SIDE; row++)
    for (let column = 0; column < SIDE; column++) {
      const across = ((mirrored ? SIDE - 1 - column : column) + 0.5) / SIDE
      const x = area.left + across * (area.right - area.left)
      rgb.set(paint(x, area.top + ((row + 0.5) / SIDE) * (area.bottom - area.top)), (row * SIDE + column) * 3)
    }
  return planesOf(thumbnailOf(rgb, 200))
}

const side = fc.tuple(fc.double({ min: 0, max: 0.4, noNaN: true }), fc.double({ min: 0.6, max: 1, noNaN: true }))

test('averages of cells equal those of a written-out sum', () => {
  const bytes = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => (i * 97 + (i >> 5) * 31) % 256)
  const { channels } = planesOf(thumbnailOf(bytes, SIDE))
  const grey = (row: number, column: number) => {
    const at = (row * SIDE + column) * 3
    return Math.round(
      0.299 * (bytes[at] as number) + 0.587 * (bytes[at + 1] as number) + 0.114 * (bytes[at + 2] as number),
    )
  }
  const overlap = (from: number, to: number, cell: number) => Math.max(0, Math.min(to, cell + 1) - Math.max(from, cell))
  fc.assert(
    fc.property(side, side, fc.integer({ min: 1, max: 24 }), ([left, right], [top, bottom], grid) => {
      const into = new Float64Array(grid * grid)
      averages(channels[0], { left, right, top, bottom }, grid, into)
      const at = Math.floor((grid * grid) / 2)
      const [row, column] = [Math.floor(at / grid), at % grid]
      const edge = (from: number, to: number, i: number) => (from + ((to - from) * i) / grid) * SIDE
      const [x0, x1, y0, y1] = [
        edge(left, right, column),
        edge(left, right, column + 1),
        edge(top, bottom, row),
        edge(top, bottom, row + 1),
      ]
      let sum = 0
      for (let y = 0; y < SIDE; y++)
        for (let x = 0; x < SIDE; x++) sum += grey(y, x) * overlap(y0, y1, y) * overlap(x0, x1, x)
      assert.ok(Math.abs((into[at] as number) - sum / ((x1 - x0) * (y1 - y0))) < 1e-6)
    }),
  )
})

test('the mirrored hash is the hash of the mirror image', () => {
  for (let seed = 0; seed < 20; seed++) {
    const [plain, mirrored] = hashesOf(drawn(scene(seed), WHOLE), WHOLE)
    assert.deepEqual(hashesOf(drawn(scene(seed), WHOLE, true), WHOLE), [mirrored, plain])
    assert.notDeepEqual(plain, mirrored)
  }
})

test('alignment finds a crop from a rectangle that is 4% beside it, mirrored or not', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1000 }),
      fc.double({ min: 0.02, max: 0.15, noNaN: true }),
      fc.double({ min: 0.85, max: 0.98, noNaN: true }),
      fc.boolean(),
      (seed, low, high, mirrored) => {
        const crop = { left: low, top: 1 - high, right: high, bottom: 1 - low }
        const off = { left: low + 0.03, top: Math.max(0, 1 - high - 0.04), right: high - 0.03, bottom: 1 - low + 0.02 }
        const [whole, part] = [drawn(scene(seed), WHOLE), drawn(scene(seed), crop, mirrored)]
        assert.ok(differenceAfterAlignment({ whole, part, area: off, mirrored }) < 0.05)
        assert.ok(differenceAfterAlignment({ whole, part, area: off, mirrored: !mirrored }) > 0.3)
      },
    ),
    { numRuns: 50 },
  )
})

test('other pictures stay different', () => {
  for (let seed = 0; seed < 50; seed++) {
    const [whole, part] = [drawn(scene(seed), WHOLE), drawn(scene(seed + 1000), WHOLE)]
    assert.ok(differenceAfterAlignment({ whole, part, area: WHOLE, mirrored: false }) > 0.4, `seed ${seed}`)
  }
})

test('solves a system of equations', () => {
  const number = fc.double({ min: -5, max: 5, noNaN: true })
  fc.assert(
    fc.property(
      fc.array(fc.array(number, { minLength: 4, maxLength: 4 }), { minLength: 6, maxLength: 6 }),
      number,
      (rows, x) => {
        const expected = [x, 1 - x, 2, -x]
        const column = (i: number) => rows.map((row) => row[i] as number)
        const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * (b[i] as number), 0)
        const matrix = [0, 1, 2, 3].map((i) => [0, 1, 2, 3].map((k) => dot(column(i), column(k)) + (i === k ? 1 : 0)))
        const solution = solve(matrix.map((row) => [...row, dot(row, expected)]))
        for (const [i, value] of solution.entries()) assert.ok(Math.abs(value - (expected[i] as number)) < 1e-6)
      },
    ),
  )
})
