/** The coordinator's connections to the other parameter servers. */
import type { LookupFunction } from 'node:net'
import { ShardRecord } from '../checkpoint/manifest.ts'
import { PORTS, type RuntimeConfig } from '../contract/runtime.ts'
import { systemClock } from '../support/clock.ts'
import { DownpourError, errorCode } from '../support/errors.ts'
import { Channel, type Reply } from '../wire/channel.ts'
import { endpointOf } from '../wire/endpoint.ts'
import { sayHello } from '../wire/greeting.ts'
import type { ModelLayout } from '../wire/layout.ts'
import type { Message } from '../wire/messages.ts'
import { proven } from '../wire/proof.ts'
import type { Origin } from './hello.ts'
import type { ShardHandle } from './rounds.ts'

export interface PeerOptions {
  config: RuntimeConfig
  podUid: string
  origin: Origin
  lookup: LookupFunction
  key: string | undefined
  heartbeatMs: number
}

const GOODBYE_WITHIN_MS = 1000
const GOODBYE_TRIES = 5
const GOODBYE_AGAIN_MS = 50

/** Connects for the first request, and reconnects after a loss. A lost request is not repeated. */
export class PeerShard implements ShardHandle {
  readonly #options: PeerOptions
  readonly #shard: number
  readonly #layout: ModelLayout
  readonly #dataUnits: number
  readonly #stop = new AbortController()
  #connected: Promise<Channel> | undefined
  /** Of the process that answered first. A later process has not applied the same updates. */
  #incarnation: number | undefined

  constructor(shard: number, layout: ModelLayout, dataUnits: number, options: PeerOptions) {
    this.#shard = shard
    this.#layout = layout
    this.#dataUnits = dataUnits
    this.#options = options
  }

  /** Connects, so that the shard knows its coordinator and notices when it disconnects. */
  async greet(): Promise<void> {
    await this.#channel()
  }

  async snapshot(folder: string): Promise<ShardRecord> {
    const { message } = await this.#request({ type: 'snapshot', folder })
    if (message.type !== 'snapshotTaken') throw unexpected(message)
    return ShardRecord.parse(message.record)
  }

  /** Tells the shard that the job has finished its last step. */
  async finish(): Promise<void> {
    await this.#request({ type: 'finish' })
  }

  /** Lets the shard exit. If it cannot be reached within a second, it exits by its own timeout. */
  async close(): Promise<void> {
    const late = systemClock.sleep(GOODBYE_WITHIN_MS, this.#stop.signal).catch(() => {})
    await Promise.race([this.#sayGoodbye(), late])
    this.#stop.abort(new DownpourError('WIRE_CLOSED', 'the coordinator exits'))
    await this.#connected?.then((channel) => channel.end()).catch(() => {})
  }

  /** Repeats the goodbye if the connection breaks. */
  async #sayGoodbye(): Promise<void> {
    for (let left = GOODBYE_TRIES; left > 0 && !this.#stop.signal.aborted; left--)
      try {
        await this.#request({ type: 'goodbye' })
        return
      } catch (error) {
        if (errorCode(error) !== 'WIRE_CLOSED') return
        await systemClock.sleep(GOODBYE_AGAIN_MS)
      }
  }

  async #request(message: Message): Promise<Reply> {
    const reply = await (await this.#channel()).request(message)
    if (reply.message.type === 'refused') throw unexpected(reply.message)
    return reply
  }

  #channel(): Promise<Channel> {
    if (this.#connected) return this.#connected
    const connected = this.#connect()
    const forget = () => {
      if (this.#connected === connected) this.#connected = undefined
    }
    connected.then((channel) => channel.closed.then(forget), forget)
    this.#connected = connected
    return connected
  }

  async #connect(): Promise<Channel> {
    const { config, lookup, heartbeatMs } = this.#options
    const { host, port } = endpointOf(config.topology.psHosts[this.#shard] ?? '', PORTS.wire)
    const channel = await Channel.connect(
      { host, port, lookup, signal: this.#stop.signal },
      { heartbeatMs, silenceMs: 2 * heartbeatMs, onMessage: () => {} },
    )
    try {
      this.#mustBeTheSame(await sayHello(channel, this.#hello(), this.#layout))
      return channel
    } catch (error) {
      channel.destroy()
      throw error
    }
  }

  #mustBeTheSame(message: Message): void {
    if (message.type !== 'welcome') throw unexpected(message)
    this.#incarnation ??= message.incarnation
    if (this.#incarnation === message.incarnation) return
    throw new DownpourError('SHARDS_DISAGREE', `shard ${this.#shard} was replaced alone: all must restart`)
  }

  #hello(): Message<'hello'> {
    const { config, podUid, origin, key } = this.#options
    const hello: Message<'hello'> = {
      type: 'hello',
      role: 'coordinator',
      index: 0,
      podUid,
      ...origin,
      jobUid: config.job.uid,
      shard: this.#shard,
      shards: config.topology.parameterServers,
      layoutHash: this.#layout.hash,
      dataUnits: this.#dataUnits,
      classes: null,
    }
    return proven(hello, key)
  }
}

function unexpected(message: Message): DownpourError {
  if (message.type === 'refused') return new DownpourError(message.code, message.message)
  return new DownpourError('WIRE_UNEXPECTED', `unexpected answer ${message.type}`)
}
