/** The connection to one parameter server. It reconnects for ever, and repeats requests until they are answered. */
import type { LookupFunction } from 'node:net'
import type { PushResult } from '../contract/exchange.ts'
import type { Compression } from '../contract/training.ts'
import { backoffMs } from '../support/backoff.ts'
import { systemClock } from '../support/clock.ts'
import { DownpourError, errorCode, errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import { Channel, type Reply } from '../wire/channel.ts'
import { Encoder } from '../wire/encoder.ts'
import { pushBytes } from '../wire/encodings.ts'
import type { FrameHead, Incoming, Outgoing } from '../wire/frames.ts'
import { sayHello } from '../wire/greeting.ts'
import type { ModelLayout, ShardLayout } from '../wire/layout.ts'
import { type Message, typeCode } from '../wire/messages.ts'
import { type Region, standAlone } from '../wire/regions.ts'
import type { ReceivedWeights } from './buffers.ts'
import type { ClassAgreement } from './class-agreement.ts'

export interface LinkOptions {
  host: string
  port: number
  lookup?: LookupFunction
  hello: () => Message<'hello'>
  /** For parameter server 0, which keeps the job's list. */
  classes?: ClassAgreement
  layout: ModelLayout
  shard: ShardLayout
  compression: Compression
  heartbeatMs: number
  silenceMs: number
  signal: AbortSignal
  log: Log
}

const RECONNECT = { baseMs: 50, capMs: 3000 }
/** Nearly all of the delay is random: fifty workers lose the same parameter server at the same moment. */
const LEAST_DELAY = 0.1
/** Errors that reconnecting does not change: refusals, and classes that differ from those of this worker. */
const FATAL_ANSWERS = [
  'FENCED',
  'LAYOUT_MISMATCH',
  'COMPRESSION_MISMATCH',
  'DATA_UNITS_MISMATCH',
  'DATA_EMPTY',
  'NON_FINITE',
]
const FATAL = new Set([...FATAL_ANSWERS, 'CLASSES_CHANGED', 'CLASSES_INVALID', 'LABELS_TOO_FEW', 'LABELS_TOO_MANY'])

/** Results of pushes whose gradients the server has. */
const COUNTED: ReadonlySet<PushResult> = new Set(['applied', 'duplicate'])

/** Invariant: `#channel` is set exactly while it is connected and its hello has been answered. */
export class ShardLink {
  /** Where the answer to the next pull is received. */
  receiving: ReceivedWeights | undefined
  readonly #options: LinkOptions
  /** Undefined: pushes are not compressed. */
  readonly #encoder: Encoder | undefined
  #channel: Channel | undefined
  #opened = Promise.withResolvers<Channel>()
  #fatal: Error | undefined
  #closing = false
  /** Aborts waiting and connecting. */
  readonly #stop = new AbortController()

  constructor(options: LinkOptions) {
    this.#options = options
    const { shard, compression } = options
    if (compression !== 'none') this.#encoder = new Encoder(compression, shard)
    this.#opened.promise.catch(() => {})
    const { signal } = options
    signal.addEventListener('abort', () => this.#fail(abortError(signal)), { signal: this.#stop.signal })
    if (signal.aborted) this.#fail(abortError(signal))
    void this.#keepUp()
  }

  /** Resolves when the shard has answered the hello. @throws the error that ended the link */
  async ready(): Promise<void> {
    await this.#opened.promise
  }

  /**
   * @param build called for each attempt, because an interrupted reply changes `receiving.have`
   * @throws DownpourError FENCED, LAYOUT_MISMATCH…, the server's refusal, or AbortError
   */
  async request(build: () => Message, body?: Outgoing): Promise<Reply> {
    for (;;) {
      const channel = this.#channel ?? (await this.#opened.promise)
      try {
        const reply = await channel.request(build(), body)
        if (reply.message.type !== 'refused') return reply
        throw this.#refusal(reply.message)
      } catch (error) {
        if (this.#fatal) throw this.#fatal
        if (errorCode(error) !== 'WIRE_CLOSED') throw error
        await channel.closed
        if (this.#channel === channel) this.#lost()
      }
    }
  }

  /** For the gradients and batch statistics of pushes; with compression always the same region. */
  bodyOfPush(): Region {
    return this.#encoder?.gradients ?? standAlone(pushBytes(this.#options.shard))
  }

  /**
   * Repeats the push until it is answered. With compression, the body is encoded before this returns, and may change then.
   * @param body of `bodyOfPush`. @throws as `request`
   */
  async push(message: Message<'push'>, body: Region): Promise<Message> {
    const reply = await this.request(() => message, this.#encoder?.encode() ?? body)
    if (reply.message.type === 'pushed' && COUNTED.has(reply.message.result)) this.#encoder?.settle()
    return reply.message
  }

  /** Sends a goodbye if connected, and closes. */
  async close(): Promise<void> {
    this.#closing = true
    const channel = this.#channel
    channel?.send({ type: 'goodbye' })
    this.#fail(new DownpourError('CLIENT_CLOSED', 'the client was closed'))
    await channel?.end()
  }

  async #keepUp(): Promise<void> {
    const { host, port, log } = this.#options
    for (let failures = 0; !this.#fatal; failures++) {
      try {
        const channel = await this.#open()
        if (failures > 0) log.info({ host, port, failures }, 'connected to parameter server')
        failures = 0
        const error = await channel.closed
        this.#lost()
        if (!this.#fatal) log.warn({ host, port, code: errorCode(error) }, 'connection to parameter server lost')
      } catch (error) {
        if (failures % 20 === 0 && !this.#fatal)
          log.info({ host, port, reason: errorMessage(error) }, 'waiting for parameter server')
      }
      const delayMs = backoffMs(failures, RECONNECT, Math.random, LEAST_DELAY)
      if (!this.#fatal) await systemClock.sleep(delayMs, this.#stop.signal).catch(() => {})
    }
  }

  async #open(): Promise<Channel> {
    const { host, port, lookup, heartbeatMs, silenceMs } = this.#options
    const to = { host, port, signal: this.#stop.signal, ...(lookup ? { lookup } : {}) }
    const channel = await Channel.connect(to, {
      heartbeatMs,
      silenceMs,
      allocate: (head) => this.#placeFor(head),
      onMessage: (message) => {
        if (message.type === 'refused') this.#refusal(message)
      },
    })
    try {
      const message = await sayHello(channel, this.#options.hello(), this.#options.layout)
      if (message.type === 'refused') throw this.#refusal(message)
      if (message.type !== 'welcome') throw new DownpourError('WIRE_UNEXPECTED', `${message.type} answered a hello`)
      await this.#options.classes?.agree(channel, message.classes)
      if (this.#fatal) throw this.#fatal
    } catch (error) {
      if (error instanceof DownpourError && FATAL.has(error.code)) this.#fail(error)
      channel.destroy()
      throw error
    }
    this.#channel = channel
    this.#opened.resolve(channel)
    return channel
  }

  #placeFor(head: FrameHead): Incoming {
    const { receiving } = this
    if (head.type !== typeCode('weights') || head.bodyBytes !== receiving?.region.bytes.length)
      return Buffer.allocUnsafeSlow(head.bodyBytes)
    receiving.have = { incarnation: 0, version: 0 }
    return receiving.region.open(head.bodyBytes)
  }

  #lost(): void {
    if (!this.#channel || this.#fatal) return
    this.#channel = undefined
    this.#opened = Promise.withResolvers()
    this.#opened.promise.catch(() => {})
  }

  #refusal({ code, message }: Message<'refused'>): DownpourError {
    const error = new DownpourError(code, message, { host: this.#options.host, shard: this.#options.shard.index })
    if (FATAL.has(code)) this.#fail(error)
    return error
  }

  #fail(error: Error): void {
    this.#fatal ??= error
    this.#stop.abort(this.#fatal)
    const channel = this.#channel
    this.#channel = undefined
    this.#opened.reject(this.#fatal)
    this.#opened = Promise.withResolvers()
    this.#opened.promise.catch(() => {})
    this.#opened.reject(this.#fatal)
    if (!this.#closing) channel?.destroy()
  }
}

function abortError(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new DOMException('aborted', 'AbortError')
}
