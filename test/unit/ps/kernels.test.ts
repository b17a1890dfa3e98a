/** Compares the kernels with plain loops that round each operation to float32, and with golden vectors of TF1. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { COMPENSATE } from '../../../src/ps/async/dc-asgd.ts'
import { MEAN, SUM } from '../../../src/ps/async/sync-backup.ts'
import type { ElementKernel } from '../../../src/ps/kernel.ts'
import { Kernels } from '../../../src/ps/kernels.ts'
import { MOVING_AVERAGE } from '../../../src/ps/moving-average.ts'
import { adam } from '../../../src/ps/optimizers/adam.ts'
import { momentum } from '../../../src/ps/optimizers/momentum.ts'
import { rmsprop } from '../../../src/ps/optimizers/rmsprop.ts'
import { createRandom } from '../../../src/support/random.ts'
import { buildKernels } from '../../../tools/build-kernels.ts'

const f = Math.fround
const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })
const kernels = new Kernels(memory)

/** Runs a kernel on arrays at these byte offsets; arrays and scalars in the order of the kernel's names. `to` is the first array. */
function run(kernel: ElementKernel, at: number[], length: number, scalars: number[]): void {
  const named = (names: readonly string[], values: number[]) =>
    Object.fromEntries(names.map((name, i) => [name, values[i] ?? at[0] ?? 0]))
  kernels.run(kernel, named(kernel.arrays, at), length, named(kernel.scalars, scalars))
}

/** Stores the arrays one after the other, each followed by a guard of 3 elements that must not change. */
function place(...arrays: number[][]): { at: number[]; read: (i: number) => number[]; guards: () => number[] } {
  let byte = 0
  const starts = arrays.map((values) => {
    const start = byte
    new Float32Array(memory.buffer, start, values.length + 3).set([...values, 9, 9, 9])
    byte += 4 * (values.length + 3)
    return start
  })
  const view = (i: number, from: number, n: number) => [...new Float32Array(memory.buffer, (starts[i] ?? 0) + from, n)]
  return {
    at: starts,
    read: (i) => view(i, 0, arrays[i]?.length ?? 0),
    guards: () => arrays.flatMap((values, i) => view(i, 4 * values.length, 3)),
  }
}

const random = createRandom(11)
const draw = (n: number, scale = 1) => Array.from({ length: n }, () => f(scale * random.normal()))
const LENGTHS = Array.from({ length: 10 }, (_, n) => n)

describe('for every length from 0 to 9 (blocks of four elements and a remainder), the kernel of', () => {
  test('rmsprop equals a plain loop', () => {
    const [lr, rho, mu, eps, wd] = [0.01, 0.9, 0.8, 1e-10, 0.05].map(f) as [number, number, number, number, number]
    for (const n of LENGTHS) {
      const [w, g, m] = [draw(n), draw(n), draw(n)]
      const s = draw(n).map(Math.abs)
      const { at, read, guards } = place(w, g, s, m)
      run(rmsprop.kernel, at, n, [lr, rho, mu, eps, wd])
      const expected = w.map((weight, i) => {
        const gradient = f((g[i] ?? 0) + f(wd * weight))
        const square = f(f(rho * (s[i] ?? 0)) + f(f(1 - rho) * f(gradient * gradient)))
        const moved = f(f(mu * (m[i] ?? 0)) + f(f(lr * gradient) / f(Math.sqrt(f(square + eps)))))
        return { weight: f(weight - moved), square, moved }
      })
      assert.deepEqual(
        read(0),
        expected.map(({ weight }) => weight),
        `w, length ${n}`,
      )
      assert.deepEqual(
        read(2),
        expected.map(({ square }) => square),
        `rms, length ${n}`,
      )
      assert.deepEqual(
        read(3),
        expected.map(({ moved }) => moved),
        `momentum, length ${n}`,
      )
      assert.ok(
        guards().every((value) => value === 9),
        `length ${n}: wrote past the end`,
      )
    }
  })

  test('momentum equals a plain loop that keeps the learning rate outside of the accumulator', () => {
    const [lr, mu, wd] = [0.01, 0.8, 0.05].map(f) as [number, number, number]
    for (const n of LENGTHS) {
      const [w, g, m] = [draw(n), draw(n), draw(n)]
      const { at, read, guards } = place(w, g, m)
      run(momentum.kernel, at, n, [lr, mu, wd])
      const moved = w.map((weight, i) => f(f(mu * (m[i] ?? 0)) + f((g[i] ?? 0) + f(wd * weight))))
      assert.deepEqual(read(2), moved, `momentum, length ${n}`)
      assert.deepEqual(
        read(0),
        w.map((weight, i) => f(weight - f(lr * (moved[i] ?? 0)))),
        `w, length ${n}`,
      )
      assert.ok(guards().every((value) => value === 9))
    }
  })

  test('adam equals a plain loop', () => {
    const [lr, b1, b2, eps, wd] = [0.01, 0.9, 0.999, 1e-8, 0.05].map(f) as [number, number, number, number, number]
    for (const n of LENGTHS) {
      const [w, g, m] = [draw(n), draw(n), draw(n)]
      const v = draw(n).map(Math.abs)
      const { at, read, guards } = place(w, g, m, v)
      run(adam.kernel, at, n, [lr, b1, b2, eps, wd])
      const expected = w.map((weight, i) => {
        const gradient = f((g[i] ?? 0) + f(wd * weight))
        const mean = f(f(b1 * (m[i] ?? 0)) + f(f(1 - b1) * gradient))
        const square = f(f(b2 * (v[i] ?? 0)) + f(f(1 - b2) * f(gradient * gradient)))
        return { weight: f(weight - f(f(lr * mean) / f(f(Math.sqrt(square)) + eps))), mean, square }
      })
      assert.deepEqual(
        [read(0), read(2), read(3)],
        [expected.map(({ weight }) => weight), expected.map(({ mean }) => mean), expected.map(({ square }) => square)],
        `length ${n}`,
      )
      assert.ok(guards().every((value) => value === 9))
    }
  })

  test('moving averages equals a plain loop', () => {
    const d = f(0.997)
    for (const n of LENGTHS) {
      const [s, x] = [draw(n), draw(n)]
      const { at, read, guards } = place(s, x)
      run(MOVING_AVERAGE, at, n, [d])
      assert.deepEqual(
        read(0),
        s.map((value, i) => f(f(d * value) + f(f(1 - d) * (x[i] ?? 0)))),
        `length ${n}`,
      )
      assert.ok(guards().every((value) => value === 9))
    }
  })

  test('the sum and the mean of pushes equal a plain loop', () => {
    for (const n of LENGTHS) {
      const [sum, g] = [draw(n), draw(n)]
      const { at, read, guards } = place(sum, g)
      run(SUM, at, n, [])
      const added = sum.map((value, i) => f(value + (g[i] ?? 0)))
      assert.deepEqual(read(0), added, `sum, length ${n}`)
      run(MEAN, at.toReversed(), n, [3])
      assert.deepEqual(
        read(1),
        added.map((value) => f(value / 3)),
        `mean, length ${n}`,
      )
      assert.ok(guards().every((value) => value === 9))
    }
  })

  test('delay compensation equals a plain loop', () => {
    const lambda = f(0.04)
    for (const n of LENGTHS) {
      const [g, w, old] = [draw(n), draw(n), draw(n)]
      const { at, read, guards } = place(g, w, old)
      run(COMPENSATE, at, n, [lambda])
      const expected = g.map((value, i) => f(value + f(f(lambda * f(value * value)) * f((w[i] ?? 0) - (old[i] ?? 0)))))
      assert.deepEqual(read(0), expected, `length ${n}`)
      assert.ok(guards().every((value) => value === 9))
    }
  })
})

/** The smallest normal float32. */
const SMALLEST = 2 ** -126

describe('values below the smallest normal float32 become zero when they are stored', () => {
  const tiny = [SMALLEST, -SMALLEST, SMALLEST / 2, -SMALLEST / 2, 2 ** -149, 0, 1, Number.NaN]
  const flushed = (value: number) => (Math.abs(value) < SMALLEST ? 0 : value)

  test('in the weights and in the state of every optimizer, in blocks and in the remainder', () => {
    for (const n of [tiny.length, tiny.length - 1, 3]) {
      const values = tiny.slice(0, n)
      const { at, read } = place(values, draw(n, 0), values)
      run(momentum.kernel, at, n, [0, 1, 0])
      assert.deepEqual([read(0).slice(0, 7), read(2)], [values.slice(0, 7).map(flushed), values.map(flushed)])
    }
  })

  test('so the momentum of a weight without gradients decays to zero, as the reference does', () => {
    const { at, read } = place([1], [0], [1e-3])
    let reference = f(1e-3)
    for (let step = 0; step < 1000; step++) {
      run(momentum.kernel, at, 1, [1, 0.8, 0])
      reference = flushed(f(f(0.8) * reference))
      assert.equal(read(2)[0], reference, `step ${step}`)
    }
    assert.equal(reference, 0)
  })
})

test('rmsprop gives the golden vectors of TF1: rms starts at one, epsilon is inside the root', () => {
  const { at, read } = place([1], [0], [1], [0])
  const golden = [
    { g: 0.5, w: 0.999480125, rms: 0.925 },
    { g: -0.25, w: 0.999285213, rms: 0.83875 },
    { g: 0.125, w: 0.99896607, rms: 0.7564375 },
    { g: 2, w: 0.996755047, rms: 1.08079375 },
  ]
  for (const { g, w, rms } of golden) {
    new Float32Array(memory.buffer, at[1] ?? 0, 1)[0] = g
    run(rmsprop.kernel, at, 1, [1e-3, 0.9, 0.9, 1e-10, 0])
    assert.ok(Math.abs((read(0)[0] ?? 0) - w) < 1.5e-7, `w ${read(0)[0]}, expected ${w}`)
    assert.ok(Math.abs((read(2)[0] ?? 0) - rms) < 1.5e-7, `rms ${read(2)[0]}, expected ${rms}`)
  }
})

test('kernels.wasm equals the build of its source', async () => {
  const committed = readFileSync(new URL('../../../src/ps/kernels.wasm', import.meta.url))
  assert.ok(Buffer.from(await buildKernels()).equals(committed), 'run `npm run generate`')
})
