import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { inOrder } from '../../../src/input/in-order.ts'
import { createRandom } from '../../../src/support/random.ts'
import { collect } from '../data/builders.ts'

/** Counts what was read, and whether the source was closed. */
function numbers(length: number, failsAt = Number.POSITIVE_INFINITY) {
  const seen = { read: 0, isClosed: false }
  async function* source() {
    try {
      for (let i = 0; i < length; i++) {
        if (i === failsAt) throw new Error(`item ${i} cannot be read`)
        seen.read++
        yield i
      }
    } finally {
      seen.isClosed = true
    }
  }
  return { seen, items: source() }
}

test('results have the order of the items, however long each takes, and no more than the limit are worked on', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 8 }), fc.nat({ max: 40 }), async (seed, atOnce, length) => {
      const random = createRandom(seed)
      let [active, most] = [0, 0]
      const work = async (item: number) => {
        most = Math.max(most, ++active)
        for (let turns = random.int(4); turns > 0; turns--) await setImmediate()
        active--
        return item * 2
      }
      const results = await collect(inOrder(numbers(length).items, atOnce, work))
      assert.deepEqual(
        results,
        Array.from({ length }, (_, i) => i * 2),
      )
      assert.ok(most <= atOnce)
    }),
    { numRuns: 50 },
  )
})

test('an error of an item or of the source is thrown after the results of the items before it', async () => {
  const got: number[] = []
  const take = async (results: AsyncIterable<number>) => {
    for await (const one of results) got.push(one)
  }
  const failing = async (item: number) => {
    if (item === 3) throw new Error('item 3 cannot be decoded')
    for (let turns = 3 - item; turns > 0; turns--) await setImmediate()
    return item
  }
  await assert.rejects(take(inOrder(numbers(9).items, 4, failing)), { message: 'item 3 cannot be decoded' })
  assert.deepEqual(got.splice(0), [0, 1, 2])
  await assert.rejects(take(inOrder(numbers(9, 5).items, 4, async (item) => item)), { message: /^item 5/ })
  assert.deepEqual(got, [0, 1, 2, 3, 4])
})

test('items are read only as results are requested', async () => {
  const { seen, items } = numbers(1000)
  const results = inOrder(items, 2, async (item) => item)
  assert.equal(seen.read, 0)
  for (let requested = 1; requested <= 5; requested++) {
    await results.next()
    assert.equal(seen.read, requested + 3)
  }
})

test('the source is closed when the consumer stops early', async () => {
  const { seen, items } = numbers(10)
  for await (const one of inOrder(items, 2, async (item) => item)) if (one === 3) break
  assert.ok(seen.isClosed)
})
