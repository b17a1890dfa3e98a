/** Compares the formats of compressed gradients with plain definitions of them, and with golden vectors. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { CODEC_BYTES, Codec } from '../../../src/wire/codec.ts'
import { BLOCK_VALUES, type Encoding, encodedBytes, pushBytes } from '../../../src/wire/encodings.ts'
import { buildEncodings } from '../../../tools/build-kernels.ts'

const f = Math.fround
const ENCODINGS: readonly Encoding[] = ['fp16', 'bf16', 'int8']
const MAX_VALUES = 3 * BLOCK_VALUES
/** Also where arrays begin that no vector of 16 bytes is aligned with. */
const ARRAY_BYTES = 4 * MAX_VALUES + 4

interface Result {
  bytes: Uint8Array
  decoded: Float32Array
  next: Float32Array
}

/** Encodes the sums of two arrays, and decodes the bytes. */
function through(
  encoding: Encoding,
  gradient: Float32Array,
  residual = new Float32Array(gradient.length),
  shared = false,
): Result {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared })
  const codec = new Codec(memory, 0, encoding)
  const [a, b, next, to, decoded] = [0, 1, 2, 3, 4].map((i) => CODEC_BYTES + i * ARRAY_BYTES) as [
    number,
    number,
    number,
    number,
    number,
  ]
  new Float32Array(memory.buffer, a, gradient.length).set(gradient)
  new Float32Array(memory.buffer, b, gradient.length).set(residual)
  const guards = [next, decoded].map((at) => new Uint8Array(memory.buffer, at + 4 * gradient.length, 4).fill(9))
  const bytes = encodedBytes(encoding, gradient.length)
  guards.push(new Uint8Array(memory.buffer, to + bytes, 4).fill(9))
  codec.encode({ gradient: a, residual: b, next, to }, gradient.length)
  codec.decode(to, decoded, gradient.length)
  for (const guard of guards) assert.deepEqual([...guard], [9, 9, 9, 9], 'nothing beyond the values is written')
  return {
    bytes: new Uint8Array(memory.buffer, to, bytes),
    decoded: new Float32Array(memory.buffer, decoded, gradient.length),
    next: new Float32Array(memory.buffer, next, gradient.length),
  }
}

/** JavaScript's own half precision, and the largest half instead of a larger value. */
function nearestHalf(value: number): number {
  return Number.isFinite(value) ? Math.f16round(Math.max(-65504, Math.min(65504, value))) : value
}

/** Of the two neighbours with 16 bits, the nearer one, or the one that ends with a zero. */
function nearestBrain(value: number): number {
  const bits = new DataView(new ArrayBuffer(4))
  bits.setFloat32(0, value)
  const below = bits.getUint32(0) & 0xffff_0000
  const [down, up] = [below, below + 0x1_0000].map((one) => {
    bits.setUint32(0, one >>> 0)
    return bits.getFloat32(0)
  }) as [number, number]
  if (Number.isNaN(value) || down === value) return value
  // The place of infinity is that of the next power of two.
  const upper = Number.isFinite(up) ? up : Math.sign(value) * 2 ** 128
  const [toDown, toUp] = [Math.abs(value - down), Math.abs(upper - value)]
  if (toDown === toUp) return (below & 0x1_0000) === 0 ? down : up
  return toDown < toUp ? down : up
}

function nearestWhole(value: number): number {
  const below = Math.floor(value)
  if (value - below !== 0.5) return Math.round(value)
  return below % 2 === 0 ? below : below + 1
}

/** One block. */
function bytesOf(values: readonly number[]): { scale: number; whole: number[] } {
  const most = Math.max(...values.map(Math.abs))
  if (most < 2 ** -100) return { scale: 0, whole: values.map(() => 0) }
  const inverse = f(127 / most)
  return { scale: f(most / 127), whole: values.map((value) => nearestWhole(f(value * inverse)) + 0) }
}

function reference(encoding: Encoding, values: readonly number[]): number[] {
  if (encoding === 'fp16') return values.map(nearestHalf)
  if (encoding === 'bf16') return values.map(nearestBrain)
  const blocks = Array.from({ length: Math.ceil(values.length / BLOCK_VALUES) }, (_, i) =>
    values.slice(BLOCK_VALUES * i, BLOCK_VALUES * (i + 1)),
  )
  return blocks.flatMap((block) => {
    const { scale, whole } = bytesOf(block)
    return whole.map((one) => f(one * scale))
  })
}

const bitPattern = fc.integer({ min: 0, max: 0xffff_ffff }).map((bits) => {
  const [value = 0] = new Float32Array(Uint32Array.of(bits).buffer)
  return value
})
/** As gradients are, and any bits: subnormal and huge values, but finite squares. */
const finite = fc.oneof(
  fc.double({ min: -1, max: 1, noNaN: true }).map(f),
  fc.double({ min: -1e5, max: 1e5, noNaN: true }).map(f),
  fc.double({ min: -1e-4, max: 1e-4, noNaN: true }).map(f),
  bitPattern.filter((value) => Math.abs(value) < 2 ** 64),
)
const lengths = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: MAX_VALUES }))
const arrays = lengths.chain((length) => fc.array(finite, { minLength: length, maxLength: length }))

/** Zero has two bit patterns, and equal values are enough. */
function assertSame(actual: Float32Array, expected: readonly number[]): void {
  assert.deepEqual(
    [...actual].map((value) => value + 0),
    expected.map((value) => value + 0),
  )
}

for (const encoding of ENCODINGS)
  describe(`${encoding}`, () => {
    test('decodes to the values of its definition', () => {
      fc.assert(
        fc.property(arrays, (values) =>
          assertSame(through(encoding, Float32Array.from(values)).decoded, reference(encoding, values)),
        ),
      )
    })

    test('encodes gradient and residual together, and keeps what it lost', () => {
      fc.assert(
        fc.property(arrays, fc.infiniteStream(finite), (values, others) => {
          const residual = values.map(() => others.next().value / 256)
          const { decoded, next } = through(encoding, Float32Array.from(values), Float32Array.from(residual))
          const sums = values.map((value, i) => f(value + f(residual[i] ?? 0)))
          assertSame(decoded, reference(encoding, sums))
          const sent = encoding === 'fp16' ? sums.map((sum) => Math.max(-65504, Math.min(65504, sum))) : sums
          assertSame(
            next,
            [...sent].map((sum, i) => f(sum - (decoded[i] ?? 0))),
          )
        }),
      )
    })

    test('shows NaN and infinity after decoding', () => {
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
        for (const at of [0, 5, 255, 256, 299]) {
          const values = new Float32Array(300).fill(1)
          values[at] = bad
          assert.ok(!Number.isFinite(through(encoding, values).decoded[at]), `${bad} at ${at}`)
        }
    })

    test('gives the same bytes for the same values, also in a memory that threads share', () => {
      const values = Float32Array.from({ length: MAX_VALUES }, (_, i) => Math.sin(i) * 10 ** (i % 9))
      const residual = new Float32Array(MAX_VALUES)
      const once = through(encoding, values, residual)
      assert.deepEqual([...through(encoding, values, residual).bytes], [...once.bytes])
      const inShared = through(encoding, values, residual, true)
      assert.deepEqual([...inShared.bytes], [...once.bytes])
      assert.deepEqual([...inShared.decoded], [...once.decoded])
    })
  })

test('fp16 has these golden vectors', () => {
  const vectors: [number, number][] = [
    [0, 0x0000],
    [-(2 ** -26), 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [65504, 0x7bff],
    // The largest half instead of infinity.
    [65519, 0x7bff],
    [65520, 0x7bff],
    [1e9, 0x7bff],
    [-1e9, 0xfbff],
    [0.333251953125, 0x3555],
    // Ties go to the even neighbour.
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [1 + 2 ** -11 + 2 ** -20, 0x3c01],
    // The smallest normal half, the largest subnormal one, and the smallest of all.
    [2 ** -14, 0x0400],
    [2 ** -14 - 2 ** -24, 0x03ff],
    [2 ** -14 - 2 ** -26, 0x0400],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [3 * 2 ** -25, 0x0002],
    [2 ** -25 + 2 ** -40, 0x0001],
    [Number.POSITIVE_INFINITY, 0x7c00],
    [Number.NaN, 0x7e00],
  ]
  const { bytes } = through(
    'fp16',
    Float32Array.from(vectors, ([value]) => value),
  )
  const halves = vectors.map((_, i) => (bytes[2 * i] ?? 0) + 256 * (bytes[2 * i + 1] ?? 0))
  assert.deepEqual(
    halves,
    vectors.map(([, bits]) => bits),
  )
})

test('every half decodes to its value', () => {
  const memory = new WebAssembly.Memory({ initial: 8, maximum: 8 })
  const codec = new Codec(memory, 0, 'fp16')
  const halves = new Uint16Array(memory.buffer, CODEC_BYTES, 2 ** 16).map((_, i) => i)
  new Uint16Array(memory.buffer, CODEC_BYTES, 2 ** 16).set(halves)
  const to = CODEC_BYTES + 2 ** 17
  codec.decode(CODEC_BYTES, to, 2 ** 16)
  const expected = new Float16Array(halves.buffer)
  const decoded = new Float32Array(memory.buffer, to, 2 ** 16)
  const wrong = decoded.findIndex((value, i) => !Object.is(value, expected[i]))
  assert.equal(wrong, -1, `${wrong.toString(16)} decodes to ${decoded[wrong]}`)
})

test('int8 has a scale for each block, and the last block is shorter', () => {
  const values = new Float32Array(BLOCK_VALUES + 3).fill(-0.5)
  values.set([127, 0.25, -254], BLOCK_VALUES)
  const { bytes } = through('int8', values)
  const scaleAt = (at: number) => new DataView(bytes.slice(at).buffer).getFloat32(0, true)
  assert.deepEqual([scaleAt(0), bytes[4]], [f(0.5 / 127), 256 - 127])
  assert.deepEqual([scaleAt(4 + BLOCK_VALUES), ...bytes.subarray(8 + BLOCK_VALUES)], [2, 64, 0, 256 - 127])
})

test('int8 sends a block without a value of normal size as zeros, and keeps it', () => {
  const values = new Float32Array(BLOCK_VALUES).fill(2 ** -101)
  const { decoded, next } = through('int8', values)
  assert.deepEqual(new Set(decoded), new Set([0]))
  assert.deepEqual(next, values)
})

test('a body has exactly the bytes of its format', () => {
  const { ceil } = Math
  fc.assert(
    fc.property(fc.nat(10_000), fc.nat(100), (trainable, statistic) => {
      const lengths = { trainable, statistic }
      assert.equal(pushBytes(lengths), 4 * trainable + 4 * statistic)
      assert.equal(pushBytes(lengths, 'none'), pushBytes(lengths))
      assert.equal(pushBytes(lengths, 'fp16'), 2 * trainable + 4 * statistic)
      assert.equal(pushBytes(lengths, 'bf16'), 2 * trainable + 4 * statistic)
      assert.equal(pushBytes(lengths, 'int8'), trainable + 4 * ceil(trainable / 256) + 4 * statistic)
    }),
  )
})

for (const [name, isShared] of [
  ['encodings.wasm', false],
  ['encodings-shared.wasm', true],
] as const)
  test(`${name} equals the build of its source`, async () => {
    const committed = readFileSync(new URL(`../../../src/wire/${name}`, import.meta.url))
    assert.ok(Buffer.from(await buildEncodings({ isShared })).equals(committed), 'run npm run generate')
  })
