/** The other parameter servers, as the coordinator reaches them: over the same wire as the workers. */
import type { LookupFunction } from 'node:net'
import { ShardRecord } from '../checkpoint/manifest.ts'
import { PORTS, type RuntimeConfig } from '../contract/runtime.ts'
import { DownpourError } from '../support/errors.ts'
import { Channel, type Reply } from '../wire/channel.ts'
import { type ModelLayout, plainVariables } from '../wire/layout.ts'
import type { Message } from '../wire/messages.ts'
import type { ShardHandle } from './rounds.ts'

export interface PeerOptions {
  config: RuntimeConfig
  podUid: string
  lookup: LookupFunction
  heartbeatMs: number
}

export class PeerShard implements ShardHandle {
  readonly #options: PeerOptions
  readonly #shard: number
  readonly #layout: ModelLayout
  readonly #dataUnits: number
  #channel: Channel | undefined

  constructor(shard: number, layout: ModelLayout, dataUnits: number, options: PeerOptions) {
    this.#shard = shard
    this.#layout = layout
    this.#dataUnits = dataUnits
    this.#options = options
  }

  async snapshot(step: number, folder: string): Promise<ShardRecord> {
    const { message } = await this.#request({ type: 'snapshot', step, folder })
    if (message.type !== 'snapshotTaken') throw unexpected(message)
    return ShardRecord.parse(message.record)
  }

  /** Tells the shard that the job has its last step. */
  async finish(): Promise<void> {
    await this.#request({ type: 'finish' })
  }

  async #request(message: Message): Promise<Reply> {
    const channel = this.#channel?.alive ? this.#channel : await this.#connect()
    const reply = await channel.request(message)
    if (reply.message.type === 'refused') throw new DownpourError(reply.message.code, reply.message.message)
    return reply
  }

  async #connect(): Promise<Channel> {
    const { config, podUid, lookup, heartbeatMs } = this.#options
    const host = config.topology.psHosts[this.#shard] ?? ''
    const channel = await Channel.connect(
      { host, port: PORTS.wire, lookup },
      { heartbeatMs, silenceMs: 2 * heartbeatMs, onMessage: () => {} },
    )
    const { message } = await channel.request({
      type: 'hello',
      role: 'coordinator',
      index: 0,
      podUid,
      jobUid: config.job.uid,
      shard: this.#shard,
      shards: config.topology.parameterServers,
      layoutHash: this.#layout.hash,
      layout: plainVariables(this.#layout),
      dataUnits: this.#dataUnits,
    })
    if (message.type !== 'welcome') throw unexpected(message)
    this.#channel = channel
    return channel
  }
}

function unexpected(message: Message): DownpourError {
  if (message.type === 'refused') return new DownpourError(message.code, message.message)
  return new DownpourError('WIRE_UNEXPECTED', `unexpected answer ${message.type}`)
}
