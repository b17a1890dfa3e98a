import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type BufferLimits, permutation, ShuffleBuffer } from '../../../src/input/shuffle.ts'
import { createRandom } from '../../../src/support/random.ts'

interface Item {
  place: number
  bytes: number
}

interface Pass {
  /** Places in the order in which they left. */
  places: number[]
  /** How many had left after each item was added. */
  leftAfter: number[]
  /** The most that the buffer held. */
  most: { items: number; bytes: number }
}

/** Passes items of these sizes through a buffer. */
function pass(sizes: readonly number[], limits: BufferLimits, { seed = 1, mayGrow = (): boolean => true } = {}): Pass {
  const buffer = new ShuffleBuffer<Item>(createRandom(seed), ({ bytes }) => bytes, limits)
  const places: number[] = []
  const most = { items: 0, bytes: 0 }
  let bytes = 0
  const leave = (items: Iterable<Item>) => {
    for (const one of items) {
      places.push(one.place)
      bytes -= one.bytes
    }
  }
  const leftAfter = sizes.map((size, place) => {
    bytes += size
    leave(buffer.add({ place, bytes: size }, mayGrow()))
    most.items = Math.max(most.items, buffer.size)
    if (buffer.size > 1) most.bytes = Math.max(most.bytes, bytes)
    return places.length
  })
  leave(buffer.rest())
  return { places, leftAfter, most }
}

const equal = (length: number) => new Array<number>(length).fill(1)
const ITEMS = { items: 80, bytes: 1e9 }

test('every item leaves once, in an order that depends only on the seed', () => {
  fc.assert(
    fc.property(fc.nat(), fc.array(fc.integer({ min: 1, max: 50 })), (seed, sizes) => {
      const limits = { items: 20, bytes: 200 }
      const { places } = pass(sizes, limits, { seed })
      assert.deepEqual(
        places.toSorted((a, b) => a - b),
        [...sizes.keys()],
      )
      assert.deepEqual(pass(sizes, limits, { seed }).places, places)
    }),
  )
  assert.notDeepEqual(pass(equal(500), ITEMS, { seed: 2 }).places, pass(equal(500), ITEMS).places)
})

test('the buffer never holds more items or bytes than its limits; a larger item is held alone', () => {
  const size = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 41, max: 200 }))
  fc.assert(
    fc.property(fc.array(size, { maxLength: 200 }), fc.integer({ min: 1, max: 30 }), (sizes, items) => {
      const { most } = pass(sizes, { items, bytes: 100 })
      assert.ok(most.items <= items, `${most.items} items`)
      assert.ok(most.bytes <= 100, `${most.bytes} bytes`)
    }),
  )
})

test('the first item leaves when a thirty-second of the buffer is full, by items or by bytes', () => {
  const firstLeaves = ({ leftAfter }: Pass) => leftAfter.findIndex((left) => left > 0) + 1
  assert.equal(firstLeaves(pass(equal(500), { items: 320, bytes: 1e9 })), 10)
  assert.equal(firstLeaves(pass(equal(500), { items: 320, bytes: 160 })), 5)
})

test('the buffer grows by one of eight items until it is full, and then one leaves for each that is added', () => {
  const { leftAfter, most } = pass(equal(2000), ITEMS)
  const held = leftAfter.map((left, i) => i + 1 - left)
  assert.equal(most.items, ITEMS.items)
  for (let i = 20; i < 500; i += 8) assert.equal((held[i + 8] as number) - (held[i] as number), 1, String(i))
  assert.ok(held.slice(700).every((one) => one >= ITEMS.items - 1))
})

test('a buffer that may not grow gives out an item for each that is added, from the first one on', () => {
  let added = 0
  const { leftAfter, most } = pass(equal(50), { items: 320, bytes: 1e9 }, { mayGrow: () => ++added <= 4 })
  assert.deepEqual(leftAfter.slice(0, 7), [0, 0, 0, 0, 1, 2, 3])
  assert.equal(most.items, 4)
})

test('an item leaves before the buffer was filled twice anew, so that its lease ends', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const { places } = pass(equal(1000), ITEMS, { seed })
      for (const [left, place] of places.entries()) assert.ok(left - place <= 2 * ITEMS.items, `${place} as ${left}`)
    }),
  )
})

test('a full buffer mixes as well as its length allows: neighbours were far apart, and near ones were not', () => {
  const { places } = pass(equal(20_000), ITEMS)
  const steady = places.slice(2000, 18_000)
  const distances = steady.slice(1).map((place, i) => Math.abs(place - (steady[i] as number)))
  const mean = distances.reduce((sum, one) => sum + one, 0) / distances.length
  // Two places of a window, drawn at random, are a third of its length apart.
  assert.ok(Math.abs(mean - ITEMS.items / 3) < 2, String(mean))
})

test('a permutation has each number once, and reaches every order', () => {
  const random = createRandom(4)
  const orders = new Set(Array.from({ length: 200 }, () => permutation(3, random).join()))
  assert.deepEqual([...orders].toSorted(), ['0,1,2', '0,2,1', '1,0,2', '1,2,0', '2,0,1', '2,1,0'])
})
