/**
 * Connections that are not admitted yet. They may send only a hello of at most 4 KiB. A caller that belongs to the job is
 * asked for the model's layout if the shard does not know it, and may send a large header only then. Each step has a
 * deadline.
 */
import type { RuntimeConfig } from '../contract/runtime.ts'
import { DownpourError } from '../support/errors.ts'
import { PendingConnections } from '../support/pending-connections.ts'
import type { Channel } from '../wire/channel.ts'
import { DEFAULT_LIMITS, type FrameLimits } from '../wire/frames.ts'
import { MAX_HELLO_BYTES } from '../wire/greeting.ts'
import type { ModelLayout } from '../wire/layout.ts'
import type { Message } from '../wire/messages.ts'
import { isProven } from '../wire/proof.ts'
import { assertSameCompression, assertSameJob, layoutOf } from './hello.ts'

export interface ReceptionOptions {
  config: RuntimeConfig
  index: number
  /** Whether the model is known. */
  knowsLayout: () => boolean
  /** The key that callers must prove to know; undefined: callers are not authenticated. */
  key: string | undefined
  /** A connection without a hello is closed after so long. */
  helloWithinMs: number
}

/** A caller that belongs to the job. `layout`: what it sent, if it was asked. */
export interface Introduction {
  hello: Message<'hello'>
  layout: ModelLayout | undefined
  /** It is now asked for the layout, and is admitted after sending it. */
  isAsked: boolean
}

/** Each costs about 10 KiB. 5000 workers may reconnect at once, but not all are accepted before the first has sent its hello. */
const MAX_PENDING = 2048
/** All messages except the layout have short headers. */
export const SHORT_HEADERS: FrameLimits = { ...DEFAULT_LIMITS, maxHeaderBytes: MAX_HELLO_BYTES }

export class Reception {
  readonly #options: ReceptionOptions
  readonly #pending: PendingConnections<Channel>
  readonly #asked = new Map<Channel, Message<'hello'>>()

  constructor(options: ReceptionOptions) {
    this.#options = options
    this.#pending = new PendingConnections({
      limit: MAX_PENDING,
      timeoutMs: options.helloWithinMs,
    })
  }

  /** Call for each new connection. */
  enter(channel: Channel, address: string): void {
    this.#pending.add(channel, address, (reason) => {
      if (reason === 'late') channel.refuse(new DownpourError('HELLO_LATE', 'no hello within the time limit'))
      else channel.destroy(new DownpourError('HELLO_LATE', 'too many connections without a hello'))
    })
  }

  /**
   * Handles a message of a connection that is not admitted yet.
   * @throws DownpourError HELLO_FIRST, NOT_ADMITTED, WRONG_JOB, COMPRESSION_MISMATCH, LAYOUT_MISMATCH, LAYOUT_INVALID: the caller must close the connection
   */
  receive(channel: Channel, message: Message): Introduction {
    const hello = this.#asked.get(channel)
    if (message.type === 'hello' && !hello && this.#pending.has(channel)) return this.#hello(channel, message)
    if (message.type === 'layout' && hello) return this.#introduce(channel, hello, layoutOf(message, hello))
    throw new DownpourError('HELLO_FIRST', `a hello was expected instead of ${message.type}`)
  }

  /** Call when a connection has ended. */
  leave(channel: Channel): void {
    this.#pending.remove(channel)
    this.#asked.delete(channel)
  }

  #hello(channel: Channel, hello: Message<'hello'>): Introduction {
    const { config, index, knowsLayout, key } = this.#options
    // Checked first, so that the refusal reveals nothing about the job.
    if (!isProven(hello, key)) throw new DownpourError('NOT_ADMITTED', 'this caller does not know the key of the run')
    assertSameJob(hello, config, index)
    if (hello.role === 'worker') assertSameCompression(hello, config)
    if (knowsLayout()) return this.#introduce(channel, hello, undefined)
    this.#asked.set(channel, hello)
    this.#pending.extend(channel)
    channel.limit(DEFAULT_LIMITS)
    return { hello, layout: undefined, isAsked: true }
  }

  #introduce(channel: Channel, hello: Message<'hello'>, layout: ModelLayout | undefined): Introduction {
    this.leave(channel)
    channel.limit(SHORT_HEADERS)
    return { hello, layout, isAsked: false }
  }
}
