import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Decoded } from '../../../src/input/pipeline.ts'
import { shuffled } from '../../../src/input/shuffle.ts'
import { createRandom } from '../../../src/support/random.ts'
import { collect } from '../data/builders.ts'

/** Examples whose images have these sizes in bytes; the id is the position. */
async function* pictures(bytes: readonly number[]): AsyncGenerator<Decoded<null>> {
  for (const [i, length] of bytes.entries())
    yield { id: String(i), picture: { rgb: new Uint8Array(length), height: 1, width: 1 }, annotation: null }
}

/** @returns the positions in shuffled order */
async function order(bytes: readonly number[], limits: { examples: number; bytes: number }, seed = 1) {
  return (await collect(shuffled(pictures(bytes), createRandom(seed), limits))).map(({ id }) => Number(id))
}

test('every example is returned once, in an order that depends only on the seed', async () => {
  const run = (seed: number) => order(new Array(50).fill(1), { examples: 100, bytes: 1000 }, seed)
  const first = await run(1)
  assert.deepEqual(
    first.toSorted((a, b) => a - b),
    [...first.keys()],
  )
  assert.deepEqual(await run(1), first)
  assert.notDeepEqual(await run(2), first)
})

test('a shuffle window holds no more examples than its limit', async () => {
  const places = await order(new Array(30).fill(1), { examples: 10, bytes: 1000 })
  for (let window = 0; window < 3; window++) {
    const inside = places.slice(window * 10, (window + 1) * 10)
    assert.deepEqual(
      inside.map((place) => Math.floor(place / 10)),
      new Array(10).fill(window),
    )
  }
})

test('a shuffle window holds no more bytes than its limit; a larger image is a window by itself', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 60 }), async (size, limit) => {
      const places = await order(new Array(24).fill(size), { examples: 100, bytes: limit })
      const length = Math.max(1, Math.floor(limit / size))
      for (const [i, place] of places.entries()) assert.equal(Math.floor(place / length), Math.floor(i / length))
    }),
  )
})
