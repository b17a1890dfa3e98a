/** Error feedback: what pushes have sent, and what they still owe. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Decoder, decoderBytes } from '../../../src/wire/decoder.ts'
import { Encoder } from '../../../src/wire/encoder.ts'
import { type Encoding, pushBytes } from '../../../src/wire/encodings.ts'
import { Region, regionBytes } from '../../../src/wire/regions.ts'
import { checksumOf, Scanner } from '../../../src/wire/scan.ts'

const ENCODINGS: readonly Encoding[] = ['fp16', 'bf16', 'int8']
const LENGTHS = { trainable: 300, statistic: 3 }
const PAGE_BYTES = 65536

/** Both ends of a connection. */
function endsOf(encoding: Encoding, lengths = LENGTHS) {
  const encoder = new Encoder(encoding, lengths)
  const [at, bytes] = [decoderBytes(lengths), pushBytes(lengths, encoding)]
  const pages = Math.ceil((at + regionBytes(bytes)) / PAGE_BYTES)
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
  const decoder = new Decoder(memory, 0, encoding, lengths)
  const received = new Region(memory, new Scanner(memory), at, bytes)
  return {
    encoder,
    /** Sends what `encoder.gradients` holds. */
    send() {
      received.open(bytes).bytes.set(encoder.encode().bytes)
      return decoder.decode(received)
    },
  }
}

function sines(length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.sin(i))
}

const value = fc.oneof(
  fc.double({ min: -1, max: 1, noNaN: true }),
  fc.double({ min: -1e4, max: 1e4, noNaN: true }),
  fc.double({ min: -1e-7, max: 1e-7, noNaN: true }),
)

for (const encoding of ENCODINGS)
  describe(`error feedback of ${encoding}`, () => {
    test('has sent the sum of all gradients, but for the last residual', () => {
      const pushes = fc.array(fc.array(value, { minLength: 300, maxLength: 300 }), { minLength: 1, maxLength: 12 })
      fc.assert(
        fc.property(pushes, (gradients) => {
          const { encoder, send } = endsOf(encoding)
          const sent = new Float64Array(LENGTHS.trainable)
          const given = new Float64Array(LENGTHS.trainable)
          for (const gradient of gradients) {
            encoder.gradients.floats.set(gradient)
            const { floats } = send()
            encoder.settle()
            for (let i = 0; i < given.length; i++) {
              sent[i] = (sent[i] ?? 0) + (floats[i] ?? 0)
              given[i] = (given[i] ?? 0) + Math.fround(gradient[i] ?? 0)
            }
          }
          // Each push rounds a few times to float32.
          const most = Math.max(...gradients.flat().map(Math.abs))
          const rounding = gradients.length * most * 2 ** -21
          for (const [i, sum] of given.entries())
            assert.ok(Math.abs(sum - (sent[i] ?? 0) - (encoder.residual[i] ?? 0)) <= rounding)
        }),
        { numRuns: 50 },
      )
    })

    test('keeps a residual that is never larger than what one push loses', () => {
      const { encoder, send } = endsOf(encoding)
      const most = { fp16: 2 ** -11, bf16: 2 ** -8, int8: 1 / 253 }[encoding]
      for (let push = 0; push < 1000; push++) {
        encoder.gradients.floats.fill(Math.sin(push))
        encoder.gradients.floats[0] = 1
        send()
        encoder.settle()
        assert.ok(encoder.residual.every((one) => Math.abs(one) <= most * 1.01))
      }
    })

    test('sends the same bytes again until the push is settled', () => {
      const { encoder, send } = endsOf(encoding)
      const encoded = () => encoder.encode().bytes.slice()
      encoder.gradients.floats.set(sines(LENGTHS.trainable))
      send()
      encoder.settle()
      const once = encoded()
      assert.deepEqual(encoded(), once)
      encoder.settle()
      assert.notDeepEqual(encoded(), once)
    })

    test('forgets what exceeds the format, so that no later push is as large', () => {
      const { encoder, send } = endsOf(encoding)
      encoder.gradients.floats.fill(1e18, 0, 5)
      send()
      encoder.settle()
      encoder.gradients.floats.fill(0)
      const next = Math.max(...send().floats.map(Math.abs))
      assert.ok(next <= 1e18 / 128, `${next}`)
      if (encoding === 'fp16') assert.equal(next, 0)
    })
  })

test('gradients of several pieces arrive, statistics unchanged, and the checksum is that of the bytes', () => {
  const lengths = { trainable: 100_001, statistic: 7 }
  for (const encoding of ENCODINGS) {
    const { encoder, send } = endsOf(encoding, lengths)
    encoder.gradients.floats.set(sines(lengths.trainable))
    const region = send()
    const { floats } = region
    assert.ok(region.isFinite)
    assert.deepEqual(floats.slice(100_001), encoder.gradients.floats.slice(100_001))
    for (let i = 0; i < 100_001; i++)
      assert.ok(Math.abs((floats[i] ?? 0) - Math.sin(i)) <= 1 / 254 + 1e-6, `${encoding} ${i}`)
    const { bytes, checksum } = encoder.encode()
    assert.equal(bytes.length, pushBytes(lengths, encoding))
    assert.equal(checksum, checksumOf(bytes))
  }
})

test('a push of statistics alone is not changed', () => {
  for (const encoding of ENCODINGS) {
    const { encoder, send } = endsOf(encoding, { trainable: 0, statistic: 3 })
    encoder.gradients.floats.set([1 / 3, 2, -7])
    assert.deepEqual(send().floats, Float32Array.of(1 / 3, 2, -7))
  }
})

test('a shard whose gradients cannot be compressed in one memory is refused', () => {
  assert.throws(() => new Encoder('int8', { trainable: 2 ** 28 + 2 ** 26, statistic: 0 }), {
    code: 'LAYOUT_TOO_LARGE',
    message: /more parameter servers, or async.compression: none/,
  })
})
