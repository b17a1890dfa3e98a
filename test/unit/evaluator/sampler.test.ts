import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Sampler } from '../../../src/evaluator/sampler.ts'
import { seedOf } from '../../../src/support/random.ts'

const idsOf = (count: number) => Array.from({ length: count }, (_, i) => `image-${i}`)

function sampleOf(ids: readonly string[], size: number, seed: number): string[] {
  const sampler = new Sampler(size, seed)
  for (const id of ids) sampler.add(id)
  const sample = sampler.finish()
  assert.ok(ids.filter(sample.pass()).every(sample.mayHave))
  const first = ids.filter(sample.pass())
  assert.deepEqual(ids.filter(sample.pass()), first, 'each pass chooses the same')
  return first
}

test('a sample has its size, or all ids, and is the ids with the smallest hashes', () => {
  fc.assert(
    fc.property(fc.nat(4000), fc.integer({ min: 1, max: 2000 }), fc.nat(1000), (count, size, seed) => {
      const ids = idsOf(count)
      const hashes = new Map(ids.map((id) => [id, seedOf('sample', seed, id)]))
      const byHash = ids.toSorted((a, b) => (hashes.get(a) ?? 0) - (hashes.get(b) ?? 0))
      assert.deepEqual(sampleOf(ids, size, seed).sort(), byHash.slice(0, size).sort())
    }),
    { numRuns: 12 },
  )
})

test('a sample does not depend on the order of the ids, and a smaller sample of the seed is a part of it', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string(), { maxLength: 60 }),
      fc.integer({ min: 1, max: 60 }),
      fc.nat(),
      (ids, size, seed) => {
        const sample = sampleOf(ids, size, seed)
        assert.deepEqual(sampleOf(ids.toReversed(), size, seed).sort(), sample.toSorted())
        const smaller = sampleOf(ids, Math.ceil(size / 2), seed)
        assert.ok(smaller.every((id) => sample.includes(id)))
      },
    ),
  )
})

test('ids that repeat do not enlarge the sample, however many they are', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 50 }),
      fc.integer({ min: 1, max: 60 }),
      (ids, size) => {
        assert.equal(sampleOf(ids, size, 1).length, Math.min(size, ids.length))
      },
    ),
  )
})

test('every part of the set has its share of the sample', () => {
  const [shards, perShard, size] = [20, 300, 1200]
  for (const seed of [0, 1, 2]) {
    const counts = new Array(shards).fill(0)
    for (const id of sampleOf(idsOf(shards * perShard), size, seed))
      counts[Math.floor(Number(id.slice(6)) / perShard)]++
    const expected = size / shards
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
    assert.ok(chiSquare < 43.8, `seed ${seed}: chi-square ${chiSquare} of 19 degrees of freedom is beyond 99.9%`)
  }
})

test('another seed draws another sample', () => {
  const ids = idsOf(1000)
  const [one, other] = [sampleOf(ids, 100, 1), new Set(sampleOf(ids, 100, 2))]
  const shared = one.filter((id) => other.has(id)).length
  assert.ok(shared < 30, `${shared} of 100 are shared, 10 are expected`)
})
