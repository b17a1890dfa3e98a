/**
 * Connections until they are let in. What anybody may send is a hello of 4 KiB; who belongs to the job is asked for the
 * model's layout while the shard does not know it, and only then may send a large header. Each step has a deadline.
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
import { assertSameJob, layoutOf } from './hello.ts'

export interface ReceptionOptions {
  config: RuntimeConfig
  index: number
  /** Whether somebody has brought the model. */
  knowsLayout: () => boolean
  /** What a caller must know to be let in; undefined: the network decides who calls. */
  key: string | undefined
  /** A connection without a hello is closed after so long. */
  helloWithinMs: number
}

/** A caller that belongs to the job. `layout`: what it brought, if it was asked. */
export interface Introduction {
  hello: Message<'hello'>
  layout: ModelLayout | undefined
  /** It was asked for the layout just now, and is not introduced before it has told it. */
  isAsked: boolean
}

/** Each costs about 10 KiB. 5000 workers that come back at once are not all accepted before the first has spoken. */
const MAX_PENDING = 2048
/** Headers of all messages but the layout are short, before and after the hello. */
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

  /** A connection was made. */
  enter(channel: Channel, address: string): void {
    this.#pending.add(channel, address, (reason) => {
      if (reason === 'late') channel.refuse(new DownpourError('HELLO_LATE', 'no hello within the time for it'))
      else channel.destroy(new DownpourError('HELLO_LATE', 'too many connections have not said hello'))
    })
  }

  /**
   * What a connection says that is not let in yet.
   * @throws DownpourError HELLO_FIRST, NOT_ADMITTED, WRONG_JOB, LAYOUT_MISMATCH, LAYOUT_INVALID: the connection is of no use any more
   */
  hear(channel: Channel, message: Message): Introduction {
    const hello = this.#asked.get(channel)
    if (message.type === 'hello' && !hello && this.#pending.has(channel)) return this.#hello(channel, message)
    if (message.type === 'layout' && hello) return this.#introduce(channel, hello, layoutOf(message, hello))
    throw new DownpourError('HELLO_FIRST', `a ${message.type} where a hello was expected, or its answer`)
  }

  /** The connection is over. */
  leave(channel: Channel): void {
    this.#pending.remove(channel)
    this.#asked.delete(channel)
  }

  #hello(channel: Channel, hello: Message<'hello'>): Introduction {
    const { config, index, knowsLayout, key } = this.#options
    // First, and without a fact about the job.
    if (!isProven(hello, key)) throw new DownpourError('NOT_ADMITTED', 'this caller does not know the key of the run')
    assertSameJob(hello, config, index)
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
