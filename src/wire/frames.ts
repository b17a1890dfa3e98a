/**
 * Frames: 32 bytes of head, JSON, a body of raw bytes. Little-endian.
 *
 *   0 magic 'DWNP' | 4 version u16 | 6 type u16 | 8 request id u32 | 12 JSON bytes u32 | 16 body bytes u32
 *   20 crc32 of bytes 0-19 | 24 crc32 of JSON and body | 28 zero
 *
 * The head has its own checksum, so that a flipped bit in a length is an error at once and not a wait for bytes that
 * never arrive. Lengths are checked against limits before anything is allocated, and the JSON's buffer grows as bytes
 * arrive, so that a peer cannot reserve 4 MiB by announcing them.
 */
import { crc32 } from 'node:zlib'
import { DownpourError } from '../support/errors.ts'

export const HEAD_BYTES = 32
const MAGIC = 0x504e5744
const VERSION = 5

export interface FrameHead {
  type: number
  requestId: number
  jsonBytes: number
  bodyBytes: number
}

export interface Frame extends FrameHead {
  json: Uint8Array
  body: Uint8Array
}

export interface FrameLimits {
  maxJsonBytes: number
  maxBodyBytes: number
}

/** The head has a u32 for the length of a body, so a body is smaller than 4 GiB. */
export const DEFAULT_LIMITS: FrameLimits = { maxJsonBytes: 4 << 20, maxBodyBytes: 0xffff_fff0 }
export const EMPTY = new Uint8Array(0)
/** Initial size of the buffer for JSON. Nearly every message fits. */
const FIRST_JSON_BYTES = 512

/** Returns head and JSON in one buffer. The caller sends `body` after it; here it is only measured and checksummed. */
export function encodeFrame(type: number, requestId: number, json: string, body: Uint8Array = EMPTY): Buffer {
  const jsonBytes = Buffer.byteLength(json)
  const frame = Buffer.alloc(HEAD_BYTES + jsonBytes)
  frame.writeUInt32LE(MAGIC, 0)
  frame.writeUInt16LE(VERSION, 4)
  frame.writeUInt16LE(type, 6)
  frame.writeUInt32LE(requestId, 8)
  frame.writeUInt32LE(jsonBytes, 12)
  frame.writeUInt32LE(body.byteLength, 16)
  frame.writeUInt32LE(crc32(frame.subarray(0, 20)), 20)
  frame.write(json, HEAD_BYTES)
  frame.writeUInt32LE(crc32(body, crc32(frame.subarray(HEAD_BYTES))), 24)
  return frame
}

interface DecodedHead extends FrameHead {
  expectedChecksum: number
}

function decodeHead(bytes: Buffer, limits: FrameLimits): DecodedHead {
  if (bytes.readUInt32LE(0) !== MAGIC)
    throw frameError('FRAME_BAD_MAGIC', 'the peer does not speak this protocol', { magic: bytes.readUInt32LE(0) })
  if (bytes.readUInt32LE(20) !== crc32(bytes.subarray(0, 20)) || bytes.readUInt32LE(28) !== 0)
    throw frameError('FRAME_BAD_CHECKSUM', 'a frame head is corrupt', {})
  const version = bytes.readUInt16LE(4)
  if (version !== VERSION)
    throw frameError(
      'FRAME_BAD_VERSION',
      `the peer uses protocol version ${version}, this process version ${VERSION}`,
      { version },
    )
  const jsonBytes = bytes.readUInt32LE(12)
  const bodyBytes = bytes.readUInt32LE(16)
  if (jsonBytes > limits.maxJsonBytes || bodyBytes > limits.maxBodyBytes)
    throw frameError('FRAME_TOO_LARGE', 'a frame exceeds the limits', { jsonBytes, bodyBytes, ...limits })
  const type = bytes.readUInt16LE(6)
  return { type, requestId: bytes.readUInt32LE(8), jsonBytes, bodyBytes, expectedChecksum: bytes.readUInt32LE(24) }
}

function frameError(code: string, what: string, details: Record<string, unknown>): DownpourError {
  return new DownpourError(code, `${what}; the connection is closed`, details)
}

export interface FrameSink {
  /** Returns a buffer of `bodyBytes`, or null if there is no room now; the code that frees room then calls `resume()`. */
  allocateBody(head: FrameHead): Uint8Array | null
  /** A complete frame with a correct checksum. `json` is valid during the call, `body` until its owner releases it. */
  onFrame(frame: Frame): void
}

/**
 * Accepts bytes in chunks of any size. `#target` is the part being filled, `#filled` its number of received bytes. A
 * decoder that has thrown cannot be used again.
 */
export class FrameDecoder {
  /** Checked with the head of each frame; may change between two frames. */
  limits: FrameLimits
  readonly #sink: FrameSink
  readonly #headBytes = Buffer.alloc(HEAD_BYTES)
  #json: Uint8Array = EMPTY
  #stage: 'head' | 'json' | 'body' = 'head'
  #target: Uint8Array = this.#headBytes
  #filled = 0
  #computedChecksum = 0
  #head: DecodedHead = { type: 0, requestId: 0, jsonBytes: 0, bodyBytes: 0, expectedChecksum: 0 }
  /** Bytes received since the decoder stalled; empty if none, null if it is not stalled. */
  #waiting: Uint8Array | null = null

  constructor(sink: FrameSink, limits: FrameLimits = DEFAULT_LIMITS) {
    this.#sink = sink
    this.limits = limits
  }

  /** True while a body waits for room: the caller should stop reading. */
  get stalled(): boolean {
    return this.#waiting !== null
  }

  /** Whether a body is being received. */
  get receiving(): boolean {
    return this.#stage === 'body'
  }

  /** The rest of the body being received, for a reader that writes into it directly; empty between bodies. */
  space(): Uint8Array {
    return this.#stage === 'body' ? this.#target.subarray(this.#filled) : EMPTY
  }

  /** Call after writing `n` bytes into `space()`. */
  advance(n: number): void {
    this.#received(n)
  }

  /** @throws DownpourError FRAME_…: the connection cannot be used any more */
  feed(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length && !this.stalled) {
      const n = Math.min(chunk.length - at, this.#target.length - this.#filled)
      this.#target.set(chunk.subarray(at, at + n), this.#filled)
      at += n
      this.#received(n)
    }
    if (at < chunk.length) this.#waiting = joined(this.#waiting, chunk.subarray(at))
  }

  /** Call when there may be room for a body. */
  resume(): void {
    const waiting = this.#waiting
    if (!waiting) return
    this.#waiting = null
    this.#startBody()
    this.feed(waiting)
  }

  /** Call when the connection has ended. Returns the partly received body, so that its owner can release it; null if none. */
  abandon(): Uint8Array | null {
    const body = this.#stage === 'body' ? this.#target : null
    this.#stage = 'head'
    return body
  }

  #received(n: number): void {
    if (this.#stage !== 'head')
      this.#computedChecksum = crc32(this.#target.subarray(this.#filled, this.#filled + n), this.#computedChecksum)
    this.#filled += n
    if (this.#filled === this.#target.length) this.#finishStage()
  }

  #finishStage(): void {
    if (this.#stage === 'head') {
      this.#head = decodeHead(this.#headBytes, this.limits)
      this.#computedChecksum = 0
      this.#enter('json', this.#jsonBuffer(FIRST_JSON_BYTES))
    } else if (this.#stage === 'body') this.#finishFrame()
    else if (this.#filled < this.#head.jsonBytes) this.#growJson()
    else this.#startBody()
  }

  #growJson(): void {
    const arrived = this.#target
    this.#target = this.#jsonBuffer(2 * arrived.length)
    this.#target.set(arrived)
  }

  /** A buffer for at most `bytes` of JSON; reuses that of the previous frame if it is large enough. */
  #jsonBuffer(bytes: number): Uint8Array {
    const length = Math.min(bytes, this.#head.jsonBytes)
    if (this.#json.length < length) this.#json = Buffer.allocUnsafeSlow(Math.max(length, FIRST_JSON_BYTES))
    return this.#json.subarray(0, length)
  }

  #startBody(): void {
    const body = this.#head.bodyBytes === 0 ? EMPTY : this.#sink.allocateBody(this.#head)
    if (body) this.#enter('body', body)
    else this.#waiting ??= EMPTY
  }

  #enter(stage: 'json' | 'body', target: Uint8Array): void {
    this.#stage = stage
    this.#target = target
    this.#filled = 0
    if (target.length === 0) this.#finishStage()
  }

  #finishFrame(): void {
    const { type, requestId, jsonBytes, bodyBytes, expectedChecksum } = this.#head
    if (this.#computedChecksum !== expectedChecksum)
      throw frameError('FRAME_BAD_CHECKSUM', 'the checksum of a frame is wrong', { type, jsonBytes, bodyBytes })
    const frame = {
      type,
      requestId,
      jsonBytes,
      bodyBytes,
      json: this.#json.subarray(0, jsonBytes),
      body: this.#target,
    }
    this.#stage = 'head'
    this.#target = this.#headBytes
    this.#filled = 0
    // A connection does not keep a large buffer between frames.
    if (jsonBytes > FIRST_JSON_BYTES) this.#json = EMPTY
    this.#sink.onFrame(frame)
  }
}

function joined(first: Uint8Array | null, second: Uint8Array): Uint8Array {
  return first && first.length > 0 ? Buffer.concat([first, second]) : Buffer.from(second)
}
