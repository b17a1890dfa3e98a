/**
 * Frames: 32 bytes of head, a JSON header, a body of raw bytes. Little-endian.
 *
 *   0 magic 'DWNP' | 4 version u16 | 6 type u16 | 8 request id u32 | 12 JSON bytes u32 | 16 body bytes u32
 *   20 crc32 of bytes 0-19 | 24 crc32 of JSON | 28 checksum of the body
 *
 * The checksum of a body is one that a processor computes at the speed of its memory, which a crc32 is not. The body is a
 * sequence of blocks of 16 bytes, the last of which is filled up with zeros, and a block is two words of 64 bits. For each
 * of the two, in turn, and modulo 2^64:
 *
 *   sum += word | high += word >>> 32 | sums += sum | highs += high
 *
 * The checksum is the crc32 of sum, high, sums and highs of the first word and the second: sum, sum, high, high, …. It is 0
 * for an empty body. `sum` and `high` change with every flipped bit, and no two flipped bits cancel out in them and in
 * `sums` and `highs`, which also depend on the order of the blocks.
 *
 * The head has its own checksum, so that a flipped bit in a length is an error at once and not a wait for bytes that
 * never arrive. Lengths are checked against limits before anything is allocated, and the JSON's buffer grows as bytes
 * arrive, so that a peer cannot reserve 4 MiB by announcing them.
 */
import { crc32 } from 'node:zlib'
import { DownpourError } from '../support/errors.ts'
import { type CheckedBody, Region } from './regions.ts'
import { checksumOf } from './scan.ts'

export const HEAD_BYTES = 32
const BODY_ALIGNMENT = 64
const MAGIC = 0x504e5744
const VERSION = 6

export interface FrameHead {
  type: number
  requestId: number
  headerBytes: number
  bodyBytes: number
}

export interface Frame extends FrameHead {
  header: Uint8Array
  body: Uint8Array
}

export interface FrameLimits {
  maxHeaderBytes: number
  maxBodyBytes: number
}

export const DEFAULT_LIMITS: FrameLimits = { maxHeaderBytes: 4 << 20, maxBodyBytes: 0xffff_fff0 }
export const EMPTY = new Uint8Array(0)
/** Nearly every message has a shorter header. */
const FIRST_HEADER_BYTES = 512

/** What is sent as a body: the checksum of plain bytes is computed when they are sent. */
export type Outgoing = Uint8Array | CheckedBody
/** Where a body is received: plain bytes are verified when they are complete, a region as they arrive. */
export type Incoming = Uint8Array | Region

export function bytesIn(body: Outgoing): Uint8Array {
  return body instanceof Uint8Array ? body : body.bytes
}

/**
 * Spaces after the JSON move a body to a multiple of 64 in the stream, as it is in memory: kernels copy it to and from a
 * socket, and some processors copy between places that differ by a few bytes at a third of the speed.
 */
function padded(json: string): string {
  const end = HEAD_BYTES + Buffer.byteLength(json)
  return json + ' '.repeat(Math.ceil(end / BODY_ALIGNMENT) * BODY_ALIGNMENT - end)
}

/** Head and JSON in one buffer; the body follows unchanged. */
export function encodeFrame(type: number, requestId: number, json: string, body: Outgoing = EMPTY): Buffer {
  const header = bytesIn(body).length === 0 ? json : padded(json)
  const headerBytes = Buffer.byteLength(header)
  const frame = Buffer.alloc(HEAD_BYTES + headerBytes)
  frame.writeUInt32LE(MAGIC, 0)
  frame.writeUInt16LE(VERSION, 4)
  frame.writeUInt16LE(type, 6)
  frame.writeUInt32LE(requestId, 8)
  frame.writeUInt32LE(headerBytes, 12)
  frame.writeUInt32LE(bytesIn(body).byteLength, 16)
  frame.writeUInt32LE(crc32(frame.subarray(0, 20)), 20)
  frame.write(header, HEAD_BYTES)
  frame.writeUInt32LE(crc32(frame.subarray(HEAD_BYTES)), 24)
  frame.writeUInt32LE(body instanceof Uint8Array ? checksumOf(body) : body.checksum, 28)
  return frame
}

interface DecodedHead extends FrameHead {
  headerChecksum: number
  bodyChecksum: number
}

function decodeHead(bytes: Buffer, limits: FrameLimits): DecodedHead {
  if (bytes.readUInt32LE(0) !== MAGIC)
    throw frameError('FRAME_BAD_MAGIC', 'the peer does not speak this protocol', { magic: bytes.readUInt32LE(0) })
  if (bytes.readUInt32LE(20) !== crc32(bytes.subarray(0, 20)))
    throw frameError('FRAME_BAD_CHECKSUM', 'a frame head is corrupt', {})
  const version = bytes.readUInt16LE(4)
  if (version !== VERSION)
    throw frameError(
      'FRAME_BAD_VERSION',
      `the peer uses protocol version ${version}, this process version ${VERSION}`,
      { version },
    )
  const headerBytes = bytes.readUInt32LE(12)
  const bodyBytes = bytes.readUInt32LE(16)
  if (headerBytes > limits.maxHeaderBytes || bodyBytes > limits.maxBodyBytes)
    throw frameError('FRAME_TOO_LARGE', 'a frame exceeds the limits', { headerBytes, bodyBytes, ...limits })
  const type = bytes.readUInt16LE(6)
  const [headerChecksum, bodyChecksum] = [bytes.readUInt32LE(24), bytes.readUInt32LE(28)]
  return { type, requestId: bytes.readUInt32LE(8), headerBytes, bodyBytes, headerChecksum, bodyChecksum }
}

function frameError(code: string, what: string, details: Record<string, unknown>): DownpourError {
  return new DownpourError(code, `${what}; the connection is closed`, details)
}

function badChecksum({ type, headerBytes, bodyBytes }: FrameHead): DownpourError {
  return frameError('FRAME_BAD_CHECKSUM', 'the checksum of a frame is wrong', { type, headerBytes, bodyBytes })
}

export interface FrameSink {
  /** Returns room of `bodyBytes` for the body; null: no room now, and the owner calls `resume()` later. */
  body(head: FrameHead): Incoming | null
  /** A complete frame with correct checksums. `header` is valid during the call; `body` until its owner releases it. */
  frame(frame: Frame): void
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
  #header: Uint8Array = EMPTY
  #stage: 'head' | 'header' | 'body' = 'head'
  #target: Uint8Array = this.#headBytes
  #filled = 0
  #headerChecksum = 0
  /** What the body is received into, unless that is a plain array. */
  #region: Region | null = null
  #head: DecodedHead = { type: 0, requestId: 0, headerBytes: 0, bodyBytes: 0, headerChecksum: 0, bodyChecksum: 0 }
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
    return this.#stage === 'body' && !this.stalled ? this.#target.subarray(this.#filled) : EMPTY
  }

  /** Call after writing `n` bytes into `space()`. */
  advance(n: number): void {
    this.#count(n)
  }

  /** @throws DownpourError FRAME_…: the connection cannot be used any more */
  feed(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length && !this.stalled) {
      const n = Math.min(chunk.length - at, this.#target.length - this.#filled)
      this.#target.set(chunk.subarray(at, at + n), this.#filled)
      at += n
      this.#count(n)
    }
    if (at < chunk.length) this.#waiting = joined(this.#waiting, chunk.subarray(at))
  }

  /** Call when there may be room for a body. */
  resume(): void {
    const waiting = this.#waiting
    if (!waiting) return
    this.#waiting = null
    this.#startBody()
    if (waiting.length > 0 || this.stalled) this.feed(waiting)
  }

  /** Call when the connection has ended. @returns the body that was being received, for its owner to release; null: none */
  abandon(): Uint8Array | null {
    const body = this.#stage === 'body' ? this.#target : null
    this.#stage = 'head'
    return body
  }

  #count(n: number): void {
    if (this.#stage === 'header')
      this.#headerChecksum = crc32(this.#target.subarray(this.#filled, this.#filled + n), this.#headerChecksum)
    this.#filled += n
    if (this.#stage === 'body') this.#region?.advance(this.#filled)
    if (this.#filled === this.#target.length) this.#finishStage()
  }

  #finishStage(): void {
    if (this.#stage === 'head') {
      this.#head = decodeHead(this.#headBytes, this.limits)
      this.#headerChecksum = 0
      this.#enter('header', this.#headerRoom(FIRST_HEADER_BYTES))
    } else if (this.#stage === 'body') this.#finishFrame()
    else if (this.#filled < this.#head.headerBytes) this.#growHeader()
    else this.#startBody()
  }

  #growHeader(): void {
    const arrived = this.#target
    this.#target = this.#headerRoom(2 * arrived.length)
    this.#target.set(arrived)
  }

  /** A buffer for at most `bytes` of JSON; reuses that of the previous frame if it is large enough. */
  #headerRoom(bytes: number): Uint8Array {
    const length = Math.min(bytes, this.#head.headerBytes)
    if (this.#header.length < length) this.#header = Buffer.allocUnsafeSlow(Math.max(length, FIRST_HEADER_BYTES))
    return this.#header.subarray(0, length)
  }

  #startBody(): void {
    if (this.#headerChecksum !== this.#head.headerChecksum) throw badChecksum(this.#head)
    const body = this.#head.bodyBytes === 0 ? EMPTY : this.#sink.body(this.#head)
    this.#region = body instanceof Region ? body : null
    if (body) this.#enter('body', bytesIn(body))
    else this.#waiting ??= EMPTY
  }

  #enter(stage: 'header' | 'body', target: Uint8Array): void {
    this.#stage = stage
    this.#target = target
    this.#filled = 0
    if (target.length === 0) this.#finishStage()
  }

  #finishFrame(): void {
    const { type, requestId, headerBytes, bodyBytes, bodyChecksum } = this.#head
    this.#region?.finish()
    if ((this.#region?.checksum ?? checksumOf(this.#target)) !== bodyChecksum) throw badChecksum(this.#head)
    const frame = {
      type,
      requestId,
      headerBytes,
      bodyBytes,
      header: this.#header.subarray(0, headerBytes),
      body: this.#target,
    }
    this.#stage = 'head'
    this.#target = this.#headBytes
    this.#filled = 0
    if (headerBytes > FIRST_HEADER_BYTES) this.#header = EMPTY
    this.#sink.frame(frame)
  }
}

function joined(first: Uint8Array | null, second: Uint8Array): Uint8Array {
  return first && first.length > 0 ? Buffer.concat([first, second]) : Buffer.from(second)
}
