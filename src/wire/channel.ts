/** One connection: sends and receives messages, matches answers with requests, and detects a dead peer. Both ends use it. */
import type { LookupFunction, Socket } from 'node:net'
import { DownpourError, errorCode, errorMessage } from '../support/errors.ts'
import { type DirectReads, directSocket, takeOver } from './direct-socket.ts'
import {
  bytesIn,
  DEFAULT_LIMITS,
  EMPTY,
  type Frame,
  FrameDecoder,
  type FrameHead,
  type FrameLimits,
  type Incoming,
  type Outgoing,
} from './frames.ts'
import { decodeMessage, encodeMessage, type Message } from './messages.ts'

export interface ChannelOptions {
  limits?: FrameLimits
  /** Room for the body of an incoming frame; null: there is none, and the channel stops reading until `resume()`. */
  allocate?: (head: FrameHead) => Incoming | null
  /**
   * Releases a body from `allocate` that no message delivers, because the connection ended or the frame was damaged. It is
   * called when nothing can write into the body any more.
   */
  release?: (body: Uint8Array) => void
  /** A message that is not an answer. The receiver owns `body` until it releases it. */
  onMessage: (message: Message, body: Uint8Array, requestId: number) => void
  /** Milliseconds between heartbeats of the calling end. */
  heartbeatMs: number
  /** After so long without a byte from the peer the connection counts as half-open and is closed. */
  silenceMs: number
}

export interface Reply {
  message: Message
  body: Uint8Array
}

interface Waiter {
  resolve(reply: Reply): void
  reject(error: unknown): void
}

const SCRATCH_BYTES = 64 << 10
/** Of all channels: every read is handled before the next one begins. */
const SCRATCH = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
/** Of one read into a body: so much is still in the processor's cache when its checksum is computed. */
const MAX_READ_BYTES = 1 << 19
const END_WITHIN_MS = 1000
const MIN_KEEP_ALIVE_MS = 1000
/** What a refused peer may still send before it closes the connection. */
const MAX_DISCARDED_BYTES = 256 << 10
/** Reading from a peer pauses while it leaves so many bytes of answers unread. */
const MAX_ANSWERS_UNTAKEN = 16
/** A peer that reads its answers more slowly than this for `silenceMs` is disconnected. */
const SLOWEST_BYTES_A_MS = 1024

/**
 * The calling end sends heartbeats and the accepting end answers them. The accepting end sends nothing to a silent peer,
 * because the kernel's keep-alive, which distinguishes a busy peer from a dead one, runs only while no sent byte is
 * unacknowledged.
 */
export class Channel {
  /** Resolves when the connection has ended, with the reason. Never rejects. */
  readonly closed: Promise<Error | undefined>
  #socket: Socket | undefined
  readonly #options: ChannelOptions
  readonly #end: 'calling' | 'accepting'
  #silenceMs: number
  readonly #decoder: FrameDecoder
  readonly #waiters = new Map<number, Waiter>()
  #nextId = 1
  #heardAt = performance.now()
  #beatAt = performance.now()
  #beat: NodeJS.Timeout | undefined
  #failure: Error | undefined
  #discarded = 0
  /** Deadlines of the messages that the kernel has not accepted yet, in the order of sending. */
  readonly #untaken: number[] = []
  #settle: (error: Error | undefined) => void = () => {}

  private constructor(options: ChannelOptions, end: 'calling' | 'accepting') {
    this.#options = options
    this.#end = end
    this.#silenceMs = options.silenceMs
    const sink = {
      body: (head: FrameHead) => (options.allocate ?? fresh)(head),
      frame: (frame: Frame) => this.#dispatch(frame),
    }
    this.#decoder = new FrameDecoder(sink, options.limits ?? DEFAULT_LIMITS)
    this.closed = new Promise((resolve) => {
      this.#settle = resolve
    })
  }

  /** The accepting end. Call it in the `connection` event. */
  static accept(accepted: Socket, options: ChannelOptions): Channel {
    const channel = new Channel(options, 'accepting')
    const direct = takeOver(accepted, channel.#directReads())
    if (!direct)
      accepted.on('data', (chunk: Buffer) => channel.#received(chunk.length, () => channel.#decoder.feed(chunk)))
    channel.#attach(direct ?? accepted)
    return channel
  }

  /**
   * The calling end.
   * @throws the socket's error, DownpourError WIRE_CONNECT_TIMEOUT after 2 heartbeats, AbortError
   */
  static async connect(
    to: { host: string; port: number; lookup?: LookupFunction; signal?: AbortSignal },
    options: ChannelOptions,
  ): Promise<Channel> {
    to.signal?.throwIfAborted()
    const channel = new Channel(options, 'calling')
    const socket = directSocket(channel.#directReads())
    channel.#attach(socket)
    const connected = new Promise<void>((resolve) => socket.once('connect', resolve))
    const onAbort = () => channel.destroy(to.signal?.reason)
    to.signal?.addEventListener('abort', onAbort, { once: true })
    socket.setTimeout(2 * options.heartbeatMs, () => {
      if (socket.connecting)
        channel.destroy(new DownpourError('WIRE_CONNECT_TIMEOUT', `${to.host}:${to.port} is silent`))
    })
    socket.connect({ host: to.host, port: to.port, ...(to.lookup ? { lookup: to.lookup } : {}) })
    const over = channel.closed.then((error) => Promise.reject(error ?? channel.#endedError()))
    await Promise.race([connected, over]).finally(() => to.signal?.removeEventListener('abort', onAbort))
    socket.setTimeout(0)
    return channel
  }

  get alive(): boolean {
    return this.#socket !== undefined && !this.#socket.destroyed
  }

  /** Queues a message. Calls `sent` when the kernel has accepted it, or never will: from then on the body may change. */
  send(message: Message, requestId = 0, body: Outgoing = EMPTY, sent?: () => void): void {
    const socket = this.#socket
    if (!socket || socket.destroyed || socket.writableEnded) {
      sent?.()
      return
    }
    const taken = () => {
      this.#untaken.shift()
      this.#readOn()
      sent?.()
    }
    const bytes = bytesIn(body)
    this.#untaken.push(performance.now() + this.#silenceMs + bytes.length / SLOWEST_BYTES_A_MS)
    socket.cork()
    const head = encodeMessage(message, requestId, body)
    socket.write(head, bytes.length === 0 ? taken : undefined)
    if (bytes.length > 0) socket.write(bytes, taken)
    socket.uncork()
  }

  /** Sends a refusal and closes the connection. Discards everything that the peer still sends. */
  refuse(error: unknown, requestId = 0): void {
    if (this.#failure) return
    // Keep reading until the peer closes: closing with unread bytes would reset the connection and lose the refusal,
    // which tells a peer of another version what is wrong.
    this.send({ type: 'refused', code: errorCode(error), message: errorMessage(error) }, requestId)
    this.#failure = error instanceof Error ? error : new Error(String(error))
    this.#readOn()
    void this.end()
  }

  /** @throws DownpourError WIRE_CLOSED if the connection ends before the answer; the peer may have executed the request */
  request(message: Message, body: Outgoing = EMPTY): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (!this.alive) return reject(this.#endedError())
      const id = this.#nextId++ >>> 0 || this.#nextId++
      this.#waiters.set(id, { resolve, reject })
      this.send(message, id, body)
    })
  }

  /** Call when there may be room for a body again. */
  resume(): void {
    if (!this.#decoder.stalled || !this.alive) return
    this.#received(0, () => this.#decoder.resume())
    this.#readOn()
  }

  get stalled(): boolean {
    return this.#decoder.stalled
  }

  /** Limits for the frames that follow. */
  limit(limits: FrameLimits): void {
    this.#decoder.limits = limits
  }

  /** Allows the peer to be silent for so long: its program may be busy while its kernel answers the keep-alive. */
  allowSilence(ms: number): void {
    this.#silenceMs = ms
  }

  /** Closes after everything was sent, and after a second at the latest. */
  async end(): Promise<void> {
    this.#socket?.end()
    const stuck = setTimeout(() => this.destroy(), END_WITHIN_MS)
    await this.closed
    clearTimeout(stuck)
  }

  destroy(error?: Error): void {
    this.#failure ??= error
    this.#socket?.destroy()
  }

  #attach(socket: Socket): void {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.setKeepAlive(true, Math.max(MIN_KEEP_ALIVE_MS, this.#options.heartbeatMs))
    socket.on('error', (error) => {
      this.#failure ??= error
    })
    socket.on('end', () => socket.end())
    socket.on('close', () => this.#finish())
    this.#beat = setInterval(() => this.#onBeat(), this.#options.heartbeatMs)
    this.#beat.unref()
  }

  /** Large bodies are received in place; everything else passes through the scratch buffer. */
  #directReads(): DirectReads {
    let isDirect = false
    return {
      buffer: () => {
        const space = this.#decoder.space()
        isDirect = space.length >= SCRATCH_BYTES
        return isDirect ? space.subarray(0, MAX_READ_BYTES) : SCRATCH
      },
      callback: (bytes) => {
        const feed = () => this.#decoder.feed(SCRATCH.subarray(0, bytes))
        this.#received(bytes, isDirect ? () => this.#decoder.advance(bytes) : feed)
        return true
      },
    }
  }

  #received(bytes: number, consume: () => void): void {
    if (this.#failure) {
      this.#discarded += bytes
      if (this.#discarded > MAX_DISCARDED_BYTES) this.destroy()
      return
    }
    this.#heardAt = performance.now()
    try {
      consume()
    } catch (error) {
      this.refuse(error)
    }
    if (this.#mustNotRead) this.#socket?.pause()
  }

  /** The calling end always reads: if both ends paused until the other has read, they would deadlock. */
  get #mustNotRead(): boolean {
    const isDeaf = this.#end === 'accepting' && this.#untaken.length > MAX_ANSWERS_UNTAKEN
    return !this.#failure && (this.#decoder.stalled || isDeaf)
  }

  #readOn(): void {
    if (this.#socket?.isPaused() && !this.#mustNotRead) this.#socket.resume()
  }

  #dispatch(frame: Frame): void {
    const message = this.#decode(frame)
    if (message.type === 'heartbeat') {
      if (this.#end === 'accepting') this.send(message)
      return
    }
    const waiter = this.#waiters.get(frame.requestId)
    if (waiter && frame.requestId !== 0) {
      this.#waiters.delete(frame.requestId)
      waiter.resolve({ message, body: frame.body })
    } else this.#options.onMessage(message, frame.body, frame.requestId)
  }

  #decode(frame: Frame): Message {
    try {
      return decodeMessage(frame)
    } catch (error) {
      this.#options.release?.(frame.body)
      throw error
    }
  }

  /** Counts silence only while this timer runs on time: a process that was busy itself could not receive anything. */
  #onBeat(): void {
    const now = performance.now()
    const late = now - this.#beatAt > 1.5 * this.#options.heartbeatMs
    this.#beatAt = now
    if (late || this.#decoder.stalled) this.#heardAt = now
    if (now - this.#heardAt > this.#silenceMs)
      this.destroy(new DownpourError('WIRE_SILENT', `the peer was silent for ${this.#silenceMs} ms`))
    else if (this.#end === 'accepting' && !late && now > (this.#untaken[0] ?? now))
      this.destroy(new DownpourError('WIRE_DEAF', 'the peer does not read its answers'))
    else if (this.#mustBeat && this.#socket && !this.#socket.connecting) this.send({ type: 'heartbeat' })
  }

  /** Sends heartbeats during a long body: the caller's own heartbeat waits behind that body and is answered late. */
  get #mustBeat(): boolean {
    return this.#end === 'calling' || this.#decoder.stalled || this.#decoder.receiving
  }

  #finish(): void {
    clearInterval(this.#beat)
    const unfinished = this.#decoder.abandon()
    if (unfinished) this.#options.release?.(unfinished)
    for (const waiter of this.#waiters.values()) waiter.reject(this.#endedError())
    this.#waiters.clear()
    this.#settle(this.#failure)
  }

  #endedError(): DownpourError {
    return new DownpourError('WIRE_CLOSED', 'the connection ended before the answer', {}, { cause: this.#failure })
  }
}

function fresh(head: FrameHead): Uint8Array {
  return Buffer.allocUnsafeSlow(head.bodyBytes)
}
