/** Compares kernels that several threads run with the same kernels on one thread. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Kernels } from '../../../src/ps/kernels.ts'
import { rmsprop } from '../../../src/ps/optimizers/rmsprop.ts'
import { createRandom } from '../../../src/support/random.ts'

/** From about a million elements on, threads help. */
const [LONG, LONGEST] = [1_050_000, 1_200_000]
const SETTINGS = { type: 'rmsprop', decay: 0.9, momentum: 0.9, epsilon: 1 } as const
const FACTS = { step: 0, learningRate: 0.01, weightDecay: 1e-4 }
const NAMES = ['weights', 'gradient', 'rms', 'momentum'] as const

/** A memory with four arrays of random values, and kernels on it. */
function open(threads: number) {
  const pages = Math.ceil((4 * 4 * LONGEST) / 65536)
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
  const kernels = new Kernels(memory, threads)
  const [weights, gradient, rms, momentum] = NAMES.map((_, i) => 4 * i * LONGEST) as [number, number, number, number]
  const all = new Float32Array(memory.buffer, 0, 4 * LONGEST)
  return {
    all,
    fill(seed: number) {
      const random = createRandom(seed)
      for (let i = 0; i < all.length; i++) all[i] = random.next()
    },
    update: (from: number, length: number) =>
      rmsprop.update(
        kernels,
        {
          weights: weights + 4 * from,
          gradient: gradient + 4 * from,
          slots: { rms: rms + 4 * from, momentum: momentum + 4 * from },
          length,
        },
        SETTINGS,
        FACTS,
      ),
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) => Buffer.from(buffer, byteOffset, byteLength)

describe('kernels on three threads', () => {
  const [one, three] = [open(1), open(3)]

  test('give the bits of one thread, and change nothing else, whatever the lengths', () => {
    const length = fc.oneof(fc.nat({ max: LONG }), fc.integer({ min: LONG, max: LONGEST - 1000 }))
    const parts = fc.array(fc.record({ from: fc.nat({ max: 1000 }), length }), { minLength: 1, maxLength: 10 })
    fc.assert(
      fc.property(fc.nat(), parts, (seed, updates) => {
        for (const side of [one, three]) {
          side.fill(seed)
          for (const { from, length } of updates) side.update(from, length)
        }
        assert.ok(bytesOf(one.all).equals(bytesOf(three.all)))
      }),
      { numRuns: 15 },
    )
  })

  test('give them in hundreds of updates one after the other', () => {
    for (const side of [one, three]) {
      side.fill(1)
      for (let i = 0; i < 300; i++) side.update(0, LONG)
    }
    assert.ok(bytesOf(one.all).equals(bytesOf(three.all)))
  })
})
