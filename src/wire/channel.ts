/** One connection, seen the same from both ends: messages out, messages in, requests answered, silence found out. */
import { type LookupFunction, Socket } from 'node:net'
import { DownpourError, errorCode, errorMessage } from '../support/errors.ts'
import { DEFAULT_LIMITS, EMPTY, type Frame, FrameDecoder, type FrameHead, type FrameLimits } from './frames.ts'
import { decodeMessage, encodeMessage, type Message } from './messages.ts'

export interface ChannelOptions {
  limits?: FrameLimits
  /** Room for the body of an incoming frame; null: none now, the channel stops reading until `resume()`. */
  allocate?: (head: FrameHead) => Uint8Array | null
  /** Takes back a body from `allocate` that no message will bring: the connection ended first, or it came damaged. */
  release?: (body: Uint8Array) => void
  /** A message that answers no request of ours. `body` stays the receiver's until it gives it back to its owner. */
  onMessage: (message: Message, body: Uint8Array, requestId: number) => void
  /** How often the calling end sends a heartbeat, milliseconds. */
  heartbeatMs: number
  /** Not a byte from the peer for so long: the connection is half-open and is cut. */
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
const END_WITHIN_MS = 1000
const MIN_KEEP_ALIVE_MS = 1000
/** What a refused peer may still send before it has hung up. */
const MAX_DISCARDED_BYTES = 256 << 10
/** A peer that asks for more without taking the answers is not listened to until it has. */
const MAX_ANSWERS_UNTAKEN = 16
/** A peer that takes its answers more slowly than this for as long as it may be silent is cut. */
const SLOWEST_BYTES_A_MS = 1024

/**
 * The calling end sends heartbeats and the accepting end answers them. So nothing is sent to a peer that says nothing,
 * and the kernel's keep-alive, which runs only while no byte waits to be acknowledged, tells one that is busy from one
 * that is gone.
 */
export class Channel {
  /** Resolves, never rejects, when the connection is over; with what ended it. */
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
  /** By when the peer must have taken each message that the kernel has not taken from us yet, in the order of sending. */
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

  /** The accepting end. */
  static accept(socket: Socket, options: ChannelOptions): Channel {
    const channel = new Channel(options, 'accepting')
    socket.on('data', (chunk: Buffer) => channel.#received(chunk.length, () => channel.#decoder.feed(chunk)))
    channel.#attach(socket)
    return channel
  }

  /**
   * The calling end: large bodies are received straight into their place, without a copy (`onread`).
   * @throws the socket's error when nobody answers, DownpourError WIRE_CONNECT_TIMEOUT after 2 heartbeats, AbortError.
   */
  static async connect(
    to: { host: string; port: number; lookup?: LookupFunction; signal?: AbortSignal },
    options: ChannelOptions,
  ): Promise<Channel> {
    to.signal?.throwIfAborted()
    const channel = new Channel(options, 'calling')
    const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
    let direct = false
    const onread = {
      buffer: () => {
        const space = channel.#decoder.space()
        direct = space.length >= SCRATCH_BYTES
        return direct ? space : scratch
      },
      callback: (n: number) => {
        const feed = () => channel.#decoder.feed(scratch.subarray(0, n))
        channel.#received(n, direct ? () => channel.#decoder.advance(n) : feed)
        return true
      },
    }
    // `onread` as a function works (net.js calls it before each read) but the constructor's type leaves it out.
    const socket = new Socket({ onread } as unknown as ConstructorParameters<typeof Socket>[0])
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

  /** Queues a message; `sent` is called when the kernel has taken it or never will: the body may change from then on. */
  send(message: Message, requestId = 0, body: Uint8Array = EMPTY, sent?: () => void): void {
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
    this.#untaken.push(performance.now() + this.#silenceMs + body.length / SLOWEST_BYTES_A_MS)
    socket.cork()
    const head = encodeMessage(message, requestId, body)
    socket.write(head, body.length === 0 ? taken : undefined)
    if (body.length > 0) socket.write(body, taken)
    socket.uncork()
  }

  /** Says no, as the last word: what the peer goes on to send is thrown away. */
  refuse(error: unknown, requestId = 0): void {
    if (this.#failure) return
    // What comes in is read until the peer has hung up: closing over unread bytes would reset the connection and lose
    // the reply, and a peer of another version learns from it what is wrong.
    this.send({ type: 'refused', code: errorCode(error), message: errorMessage(error) }, requestId)
    this.#failure = error instanceof Error ? error : new Error(String(error))
    this.#releaseUnfinished()
    this.#readOn()
    void this.end()
  }

  /** @throws DownpourError WIRE_CLOSED when the connection ends before the answer: whether it was obeyed is unknown. */
  request(message: Message, body: Uint8Array = EMPTY): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (!this.alive) return reject(this.#endedError())
      const id = this.#nextId++ >>> 0 || this.#nextId++
      this.#waiters.set(id, { resolve, reject })
      this.send(message, id, body)
    })
  }

  /** There may be room for a body again. */
  resume(): void {
    if (!this.#decoder.stalled || !this.alive) return
    this.#received(0, () => this.#decoder.resume())
    this.#readOn()
  }

  get stalled(): boolean {
    return this.#decoder.stalled
  }

  /** How long the frames that come next may be. */
  limit(limits: FrameLimits): void {
    this.#decoder.limits = limits
  }

  /** From now on the peer may be silent for so long: its program may be busy, and its kernel answers for it. */
  allowSilence(ms: number): void {
    this.#silenceMs = ms
  }

  /** Lets what was sent go out, then ends: after a second even if the peer does not. */
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

  /** The calling end always reads: if both waited until the other has read, nothing would move any more. */
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

  #releaseUnfinished(): void {
    const body = this.#decoder.abandon()
    if (body) this.#options.release?.(body)
  }

  /** A process that was itself busy has not been listening: silence counts only while this timer runs on time. */
  #onBeat(): void {
    const now = performance.now()
    const late = now - this.#beatAt > 1.5 * this.#options.heartbeatMs
    this.#beatAt = now
    if (late || this.#decoder.stalled) this.#heardAt = now
    if (now - this.#heardAt > this.#silenceMs)
      this.destroy(new DownpourError('WIRE_SILENT', `the peer was silent for ${this.#silenceMs} ms`))
    else if (this.#end === 'accepting' && !late && now > (this.#untaken[0] ?? now))
      this.destroy(new DownpourError('WIRE_DEAF', 'the peer does not take what it has asked for'))
    else if (this.#mustBeat && this.#socket && !this.#socket.connecting) this.send({ type: 'heartbeat' })
  }

  /** A heartbeat of the caller's that comes behind a long body is answered late: until then we beat by ourselves. */
  get #mustBeat(): boolean {
    return this.#end === 'calling' || this.#decoder.stalled || this.#decoder.receiving
  }

  #finish(): void {
    clearInterval(this.#beat)
    this.#releaseUnfinished()
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
