import assert from 'node:assert/strict'
import { test } from 'node:test'
import { divideMemory } from '../../../src/ps/shard-memory.ts'
import type { Region } from '../../../src/wire/regions.ts'

const MIB = 2 ** 20
const GIB = 2 ** 30

function layoutOf(total: number) {
  return { index: 2, entries: [], trainable: total, statistic: 0, total }
}

function regionsIn(total: number, lengths: readonly number[], limitBytes: number): Region[] {
  const { bodies } = divideMemory(layoutOf(total), lengths, limitBytes)
  const regions: Region[] = []
  for (let region = bodies.acquire(4); region; region = bodies.acquire(4)) regions.push(region)
  return regions
}

test('arrays and bodies do not overlap, whatever their lengths', () => {
  const { arrays, bodies } = divideMemory(layoutOf(5), [5, 0, 1, 17], 1024)
  arrays.forEach((array, i) => void array.fill(i + 1))
  const region = bodies.acquire(20)
  region?.floats.fill(9)
  assert.deepEqual(
    arrays.map((array) => [...array]),
    [5, 0, 1, 17].map((length, i) => Array(length).fill(i + 1)),
  )
})

test('there is a region for the weights, and as many as the limit allows, at least one, and not more than a number', () => {
  assert.equal(regionsIn(MIB, [MIB], 13 * MIB).length, 4)
  assert.equal(regionsIn(MIB, [MIB], 1).length, 2)
  assert.equal(regionsIn(4, [4], GIB).length, 257)
})

test('a large shard has fewer regions than the limit allows, and one that leaves no room for weights and a body is refused', () => {
  const elements = GIB / 8
  assert.equal(regionsIn(elements, [elements, elements, elements, elements], 8 * GIB).length, 3)
  const lengths = Array(7).fill(elements)
  assert.throws(() => divideMemory(layoutOf(elements), lengths, GIB), {
    code: 'LAYOUT_TOO_LARGE',
    message: /shard 2 needs 5 GiB.*use more parameter servers/,
  })
})
