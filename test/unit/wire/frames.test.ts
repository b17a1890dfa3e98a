import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { encodeFrame, type Frame, FrameDecoder, type FrameLimits, HEAD_BYTES } from '../../../src/wire/frames.ts'
import { standAlone } from '../../../src/wire/regions.ts'
import { crc32Of } from './crc32.ts'

const LIMITS: FrameLimits = { maxHeaderBytes: 1000, maxBodyBytes: 10_000 }

interface Seen {
  type: number
  requestId: number
  header: string
  body: string
}

function collect(): { decoder: FrameDecoder; seen: Seen[] } {
  const seen: Seen[] = []
  const frame = ({ type, requestId, header, body }: Frame) =>
    seen.push({ type, requestId, header: Buffer.from(header).toString(), body: Buffer.from(body).toString('hex') })
  const sink = { body: ({ bodyBytes }: { bodyBytes: number }) => new Uint8Array(bodyBytes), frame }
  return { decoder: new FrameDecoder(sink, LIMITS), seen }
}

function wire(type: number, requestId: number, header: string, body: Uint8Array): Buffer {
  return Buffer.concat([encodeFrame(type, requestId, header, body), body])
}

/** What moves a body to a multiple of 64. */
function spaces(header: string, body: Uint8Array): string {
  const start = HEAD_BYTES + Buffer.byteLength(header)
  return body.length === 0 ? '' : ' '.repeat((64 - (start % 64)) % 64)
}

const frames = fc.array(
  fc.record({
    type: fc.integer({ min: 0, max: 0xffff }),
    requestId: fc.integer({ min: 0, max: 0xffff_ffff }),
    header: fc.string({ maxLength: 40 }),
    body: fc.uint8Array({ maxLength: 200 }),
  }),
  { maxLength: 5 },
)

describe('frames', () => {
  test('arrive complete and in order in any chunking', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1 }), (sent, sizes) => {
        const { decoder, seen } = collect()
        const stream = Buffer.concat(sent.map((one) => wire(one.type, one.requestId, one.header, one.body)))
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = sizes[i % sizes.length] ?? 1
          decoder.feed(stream.subarray(at, at + size))
          at += size
        }
        const expected = sent.map(({ header, body, ...rest }) => ({
          ...rest,
          header: header + spaces(header, body),
          body: Buffer.from(body).toString('hex'),
        }))
        assert.deepEqual(seen, expected)
      }),
    )
  })

  test('have their body at a multiple of 64', () => {
    for (const header of ['', '{}', '{"seq":99}', `{"a":"${'x'.repeat(200)}"}`])
      assert.equal(encodeFrame(7, 1, header, new Uint8Array(5)).length % 64, 0)
    assert.equal(encodeFrame(7, 1, '{}').length, HEAD_BYTES + 2, 'a frame without a body is as short as it can be')
  })

  test('with one flipped bit in head, JSON or body are never accepted', () => {
    const good = wire(7, 42, '{"step":1500}', new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]))
    for (let bit = 0; bit < good.length * 8; bit++) {
      const bytes = Buffer.from(good)
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const { decoder, seen } = collect()
      assert.throws(() => decoder.feed(bytes), { code: /^FRAME_BAD_(MAGIC|CHECKSUM)$/ }, `bit ${bit}`)
      assert.deepEqual(seen, [], `bit ${bit}`)
    }
  })

  test('above a size limit are refused before a buffer is allocated', () => {
    for (const [header, body] of [
      ['x'.repeat(1001), new Uint8Array(0)],
      ['{}', new Uint8Array(10_001)],
    ] as const) {
      let asked = 0
      const sink = { body: () => new Uint8Array(++asked), frame: () => assert.fail('a frame too large') }
      const head = encodeFrame(1, 1, header, body).subarray(0, HEAD_BYTES)
      assert.throws(() => new FrameDecoder(sink, LIMITS).feed(head), { code: 'FRAME_TOO_LARGE' })
      assert.equal(asked, 0)
    }
  })

  test('of another protocol or version are refused with both versions', () => {
    const { decoder } = collect()
    assert.throws(() => decoder.feed(Buffer.from('GET / HTTP/1.1\r\nHost: parameter-server\r\n')), {
      code: 'FRAME_BAD_MAGIC',
    })
    assert.throws(() => collect().decoder.feed(otherVersion(9)), {
      code: 'FRAME_BAD_VERSION',
      message: /protocol version 9, this process version 6/,
    })
  })

  test('wait while no buffer for a body is free, and continue without loss', () => {
    let room = false
    const bodies: string[] = []
    const decoder = new FrameDecoder({
      body: ({ bodyBytes }) => (room ? new Uint8Array(bodyBytes) : null),
      frame: ({ body }) => bodies.push(Buffer.from(body).toString()),
    })
    const stream = Buffer.concat(['first', 'second'].map((text) => wire(1, 1, '{}', Buffer.from(text))))
    decoder.feed(stream.subarray(0, 80))
    assert.ok(decoder.stalled)
    decoder.feed(stream.subarray(80))
    assert.deepEqual(bodies, [])
    decoder.resume()
    assert.ok(decoder.stalled, 'still no room')
    room = true
    decoder.resume()
    assert.deepEqual(bodies, ['first', 'second'])
  })

  test('arrive in a region as in a plain array, and damaged ones in neither', () => {
    const body = Uint8Array.from({ length: 1000 }, (_, i) => i)
    for (const isDamaged of [false, true]) {
      const bytes = wire(1, 1, '{}', body)
      if (isDamaged) bytes[bytes.length - 1] = 0
      const region = standAlone(body.length)
      const received: Uint8Array[] = []
      const sink = { body: () => region.open(body.length), frame: (frame: Frame) => void received.push(frame.body) }
      const decoder = new FrameDecoder(sink)
      const feed = () => {
        for (let at = 0; at < bytes.length; at += 77) decoder.feed(bytes.subarray(at, at + 77))
      }
      if (isDamaged) assert.throws(feed, { code: 'FRAME_BAD_CHECKSUM' })
      else feed()
      assert.deepEqual(received, isDamaged ? [] : [region.bytes])
      if (!isDamaged) assert.deepEqual([...region.bytes], [...body])
    }
  })

  test('with a damaged header are refused before a buffer is allocated', () => {
    const bytes = wire(1, 1, '{"a":1}', new Uint8Array(8))
    bytes.write('9', HEAD_BYTES + 5)
    const decoder = new FrameDecoder({ body: () => assert.fail('allocated'), frame: () => assert.fail('accepted') })
    assert.throws(() => decoder.feed(bytes), { code: 'FRAME_BAD_CHECKSUM' })
  })

  test('that end incompletely return their buffer', () => {
    const buffer = new Uint8Array(8)
    const decoder = new FrameDecoder({ body: () => buffer, frame: () => {} })
    decoder.feed(wire(1, 1, '{}', new Uint8Array(8)).subarray(0, -1))
    assert.equal(decoder.abandon(), buffer)
    assert.equal(decoder.abandon(), null, 'once')
  })
})

/** @returns a frame of another version with a correct checksum */
function otherVersion(version: number): Buffer {
  const frame = encodeFrame(1, 1, '{}')
  frame.writeUInt16LE(version, 4)
  frame.writeUInt32LE(crc32Of(frame.subarray(0, 20)), 20)
  return frame
}
