import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Region, standAlone } from '../../../src/wire/regions.ts'
import { checksumOf, Scanner } from '../../../src/wire/scan.ts'
import { buildScan } from '../../../tools/build-kernels.ts'
import { crc32Of } from './crc32.ts'

const MASK = (1n << 64n) - 1n

/** The definition in src/wire/frames.ts, in whole numbers of any size. */
function reference(body: Uint8Array): number {
  if (body.length === 0) return 0
  const blocks = new Uint8Array(Math.ceil(body.length / 16) * 16)
  blocks.set(body)
  const words = new DataView(blocks.buffer)
  const lanes = [0, 8].map((lane) => {
    const [sum, high, sums, highs] = [0, 1, 2, 3] as const
    const totals: [bigint, bigint, bigint, bigint] = [0n, 0n, 0n, 0n]
    for (let at = lane; at < blocks.length; at += 16) {
      const word = words.getBigUint64(at, true)
      totals[sum] += word
      totals[high] += word >> 32n
      totals[sums] += totals[sum]
      totals[highs] += totals[high]
    }
    return totals.map((total) => total & MASK)
  })
  const state = new BigUint64Array([0, 1, 2, 3].flatMap((total) => lanes.map((lane) => lane[total] ?? 0n)))
  return crc32Of(new Uint8Array(state.buffer))
}

/** Received in pieces of these sizes, which repeat. */
function received(body: Uint8Array, sizes: readonly number[]) {
  const region = standAlone(body.length)
  region.bytes.set(body)
  for (let at = 0, i = 0; at < body.length; i++) {
    at = Math.min(body.length, at + (sizes[i % sizes.length] ?? 1))
    region.advance(at)
  }
  region.finish()
  return region
}

const bodies = fc.uint8Array({ minLength: 1, maxLength: 300 })
const sizes = fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 10 })

describe('the checksum of a body', () => {
  test('equals the definition, wherever the body is and in whatever pieces it arrives', () => {
    fc.assert(
      fc.property(bodies, sizes, (body, pieces) => {
        const expected = reference(body)
        assert.equal(checksumOf(body), expected)
        assert.equal(received(body, pieces).checksum, expected)
      }),
    )
  })

  test('equals the definition for a body larger than the buffer that it passes through', () => {
    const body = Uint8Array.from({ length: 200_003 }, (_, i) => (i * i) >> 5)
    assert.equal(checksumOf(body), reference(body))
    assert.equal(received(body, [65_537]).checksum, reference(body))
  })

  test('of an empty body is 0', () => {
    assert.deepEqual([checksumOf(new Uint8Array(0)), received(new Uint8Array(0), []).checksum], [0, 0])
  })

  test('changes with one flipped bit, and with two', () => {
    const bit = fc.integer({ min: 0, max: 8 * 320 - 1 })
    const body = Uint8Array.from({ length: 320 }, (_, i) => i * 7)
    const flipped = (bits: readonly number[]) => {
      const copy = body.slice()
      for (const one of bits) copy[one >> 3] = (copy[one >> 3] ?? 0) ^ (1 << (one & 7))
      return checksumOf(copy)
    }
    for (let one = 0; one < 8 * body.length; one++) assert.notEqual(flipped([one]), checksumOf(body), `bit ${one}`)
    fc.assert(
      fc.property(fc.uniqueArray(bit, { minLength: 2, maxLength: 2 }), (bits) => {
        assert.notEqual(flipped(bits), checksumOf(body))
      }),
    )
  })

  test('changes with the highest bits of two words, whose sum does not', () => {
    for (const distance of [16, 32, 64, 128]) {
      const body = new Uint8Array(256)
      body[7] = body[7 + distance] = 0x80
      assert.notEqual(checksumOf(body), checksumOf(new Uint8Array(256)), `${distance} bytes apart`)
    }
  })

  test('changes if two blocks are swapped, or one is missing, repeated or zero', () => {
    const block = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((one): Uint8Array => one)
    const several = fc.uniqueArray(block, { minLength: 3, maxLength: 20, selector: (one) => one.join() })
    fc.assert(
      fc.property(several, fc.nat(), fc.nat(), (blocks: Uint8Array[], a, b) => {
        const [i, j] = [a % blocks.length, b % blocks.length]
        const [first, second] = [blocks[i], blocks[j]] as [Uint8Array, Uint8Array]
        const zero = new Uint8Array(16)
        const others = [
          i === j ? [] : blocks.with(i, second).with(j, first),
          i === blocks.length - 1 ? [] : [...blocks.toSpliced(i, 1), zero],
          i === j ? [] : blocks.with(j, first),
          first.every((byte) => byte === 0) ? [] : blocks.with(i, zero),
        ].filter((changed) => changed.length > 0)
        for (const changed of others)
          assert.notEqual(checksumOf(Buffer.concat(changed)), checksumOf(Buffer.concat(blocks)))
      }),
    )
  })
})

describe('a received body', () => {
  const values = (more: Record<number, number>, length: number) =>
    new Uint8Array(Float32Array.from({ length }, (_, i) => more[i] ?? i - 3.5).buffer)

  test('is finite unless it has NaN, an infinity, or a value whose square overflows, at whatever position', () => {
    for (let length = 1; length < 20; length++) {
      assert.equal(received(values({ 0: 1.8446742e19 }, length), [7]).isFinite, true, 'the largest value with a square')
      for (const bad of [Number.NaN, -Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 64, -1e20])
        for (let i = 0; i < length; i++)
          assert.equal(received(values({ [i]: bad }, length), [7]).isFinite, false, `${bad} at ${i} of ${length}`)
    }
  })

  test('is judged by itself, whatever was received in its place before', () => {
    const region = received(values({ 2: Number.NaN }, 9), [36])
    const next = values({}, 7)
    region.open(next.length).bytes.set(next)
    region.finish()
    assert.deepEqual([region.isFinite, region.checksum], [true, reference(next)])
  })
})

for (const [name, isShared] of [['scan.wasm', false], ['scan-shared.wasm', true]] as const) // biome-ignore format: a table
  test(`${name} equals the build of its source`, async () => {
    const committed = readFileSync(new URL(`../../../src/wire/${name}`, import.meta.url))
    assert.ok(Buffer.from(await buildScan({ isShared })).equals(committed), 'run `npm run generate`')
  })

test('a memory that threads share gives the same checksum', () => {
  const body = new Uint8Array(new Float32Array(1001).map((_, i) => Math.sin(i)).buffer)
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true })
  const region = new Region(memory, new Scanner(memory), 0, body.length).open(body.length)
  region.bytes.set(body)
  region.finish()
  assert.deepEqual([region.checksum, region.isFinite], [reference(body), true])
})
