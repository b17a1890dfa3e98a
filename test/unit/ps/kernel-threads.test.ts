/** Compares kernels that several threads run with the same kernels on one thread. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { CHUNK, checksum, move, stateBytes } from '../../../src/ps/kernel-functions.ts'
import { Kernels } from '../../../src/ps/kernels.ts'
import { rmsprop } from '../../../src/ps/optimizers/rmsprop.ts'
import { createRandom } from '../../../src/support/random.ts'
import { Region, regionBytes } from '../../../src/wire/regions.ts'
import { checksumOf, Scanner } from '../../../src/wire/scan.ts'

/** From about a million elements on, threads help. */
const [LONG, LONGEST] = [1_050_000, 1_200_000]
const SETTINGS = { type: 'rmsprop', decay: 0.9, momentum: 0.9, epsilon: 1 } as const
const FACTS = { step: 0, learningRate: 0.01, weightDecay: 1e-4 }
const MAX_CALLS = 12
const BODY_AT = regionBytes(0)
const NAMES = ['weights', 'gradient', 'rms', 'momentum'] as const

/** A memory with four arrays of random values, and kernels on it. */
function open(threads: number) {
  const to = 4 * NAMES.length * LONGEST + BODY_AT
  const states = to + 4 * LONGEST + 64
  const pages = Math.ceil((states + stateBytes(LONGEST)) / 65536)
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
  const kernels = new Kernels(memory, { threads, maxCalls: MAX_CALLS })
  const [weights, gradient, rms, momentum] = NAMES.map((_, i) => 4 * i * LONGEST) as [number, number, number, number]
  const all = new Float32Array(memory.buffer, 0, 4 * LONGEST)
  return {
    all,
    fill(seed: number) {
      const random = createRandom(seed)
      for (let i = 0; i < all.length; i++) all[i] = random.next()
    },
    /** In place. */
    update: (from: number, length: number) =>
      kernels.runAll([
        rmsprop.update(
          {
            start: 0,
            weights: weights + 4 * from,
            to: weights + 4 * from,
            gradient: gradient + 4 * from,
            slots: { rms: rms + 4 * from, momentum: momentum + 4 * from },
            length,
          },
          SETTINGS,
          FACTS,
        ),
      ]),
    /** Writes weights over `length` elements into another array: the first ones updated in runs of these lengths, the rest as they are. */
    updateInRuns(runs: readonly number[], length: number) {
      let start = 0
      const calls = runs.map((run, i) => {
        const byte = 4 * start
        const slots = { rms: rms + byte, momentum: momentum + byte }
        const at = { start, length: run, weights: weights + byte, to: to + byte, gradient: gradient + byte, slots }
        start += run
        return rmsprop.update(at, SETTINGS, { ...FACTS, learningRate: 1 / (i + 1) })
      })
      const rest = { start, length: length - start }
      const region = new Region(memory, new Scanner(memory), to - BODY_AT, 4 * LONGEST).open(4 * length)
      kernels.runAll([...calls, move(weights + 4 * start, to + 4 * start, rest), checksum(to, length, states)])
      region.finishParts(states, 4 * CHUNK)
      return region
    },
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

  test('run several kernels over one array as if one followed the other, each with elements of its own', () => {
    const runs = fc.array(fc.oneof(fc.nat({ max: 9 }), fc.nat({ max: 2 * CHUNK })), { maxLength: MAX_CALLS - 2 })
    const length = fc.oneof(fc.nat({ max: 2 * CHUNK }), fc.integer({ min: LONG, max: LONGEST }))
    fc.assert(
      fc.property(fc.nat(), runs, length, (seed, all, length) => {
        const fitting = all.filter((_, i) => all.slice(0, i + 1).reduce((sum, one) => sum + one, 0) <= length)
        const written = [one, three].map((side) => {
          side.fill(seed)
          const body = side.updateInRuns(fitting, length)
          assert.equal(body.checksum, checksumOf(body.bytes))
          return bytesOf(body.floats)
        })
        assert.ok(written[0]?.equals(written[1] as Buffer))
        assert.ok(bytesOf(one.all).equals(bytesOf(three.all)), 'weights and state')
      }),
      { numRuns: 30 },
    )
  })
})
