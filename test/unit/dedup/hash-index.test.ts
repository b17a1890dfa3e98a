import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Hash, ones } from '../../../src/dedup/hash.ts'
import { HashIndex, MOST_BITS } from '../../../src/dedup/hash-index.ts'

const word = fc.integer({ min: 0, max: 0xffffffff })
const hash = fc.record({ high: word, low: word })
/** Which bits of a hash to change. */
const changes = fc.uniqueArray(fc.integer({ min: 0, max: 63 }), { maxLength: MOST_BITS + 4 })

function changed({ high, low }: Hash, bits: readonly number[]): Hash {
  const flip = (half: number, from: number) =>
    bits.reduce((value, bit) => (bit >= from && bit < from + 32 ? value ^ (1 << (bit - from)) : value), half) >>> 0
  return { high: flip(high, 32), low: flip(low, 0) }
}

function countBits(word: number): number {
  return word.toString(2).replaceAll('0', '').length
}

test('a search finds exactly the hashes that differ in at most 11 bits', () => {
  fc.assert(
    fc.property(hash, fc.array(changes, { minLength: 1, maxLength: 40 }), fc.array(hash), (query, near, far) => {
      const all = [...near.map((bits) => changed(query, bits)), ...far]
      const index = new HashIndex()
      for (const one of all) index.add(one)
      const found = new Map<number, number>()
      index.search(query, (number, bits) => found.set(number, bits))
      const expected = all
        .map(
          ({ high, low }, i) => [i, countBits((high ^ query.high) >>> 0) + countBits((low ^ query.low) >>> 0)] as const,
        )
        .filter(([, bits]) => bits <= MOST_BITS)
      assert.deepEqual(
        [...found].sort(([a], [b]) => a - b),
        expected,
      )
    }),
    { numRuns: 200 },
  )
})

test('a search after another finds the same', () => {
  const index = new HashIndex()
  for (let i = 0; i < 5000; i++) index.add({ high: i, low: Math.imul(i, 0x9e3779b9) >>> 0 })
  const found = () => {
    const numbers: number[] = []
    index.search({ high: 77, low: Math.imul(77, 0x9e3779b9) >>> 0 }, (number) => numbers.push(number))
    return numbers.sort((a, b) => a - b)
  }
  assert.ok(found().includes(77))
  assert.deepEqual(found(), found())
})

test('counts the ones of a word', () => {
  fc.assert(fc.property(word, (value) => ones(value) === countBits(value)))
})
