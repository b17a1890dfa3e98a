/** The parameter server's side of the wire: who may speak, and what each message does to the shard. */
import { createServer, type Server, type Socket } from 'node:net'
import { PORTS, type RuntimeConfig } from '../contract/runtime.ts'
import type { PsMetrics } from '../metrics/ps.ts'
import { DownpourError, errorCode, errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import { BufferPool } from '../wire/buffer-pool.ts'
import { Channel } from '../wire/channel.ts'
import { type ModelLayout, makeLayout } from '../wire/layout.ts'
import { bytesOf, type Lease, type Message, typeCode } from '../wire/messages.ts'
import type { LeaseTable } from './leases.ts'
import type { Snapshots } from './snapshot.ts'
import type { Training } from './training.ts'
import type { WorkerId } from './workers.ts'

/** What the first hello brings into being. */
export interface OpenShard {
  layout: ModelLayout
  training: Training
  /** Parameter server 0 alone hands out data. */
  leases: LeaseTable | undefined
}

export interface PsServerOptions {
  config: RuntimeConfig
  index: number
  /** Called once, with the first worker's layout. @throws what makes the job impossible */
  open: (layout: ModelLayout, dataUnits: number) => Promise<OpenShard>
  snapshots: Snapshots
  metrics: PsMetrics
  log: Log
  heartbeatMs?: number
}

interface Peer {
  channel: Channel
  role: 'worker' | 'coordinator'
  who: WorkerId
  /** The last lease asked for: the same number gets the same unit again. */
  lease: { seq: number; lease: Lease | null } | undefined
}

const DEFAULT_HEARTBEAT_MS = 10_000
/** Bodies under way, both directions; more than this waits. */
const BUFFER_LIMIT_BYTES = 512 * 2 ** 20

export class PsServer {
  readonly #options: PsServerOptions
  readonly #peers = new Map<Channel, Peer>()
  readonly #channels = new Set<Channel>()
  readonly #pool: BufferPool
  readonly #server: Server
  #opening: Promise<OpenShard> | undefined
  #open: OpenShard | undefined

  constructor(options: PsServerOptions) {
    this.#options = options
    this.#pool = new BufferPool({
      limitBytes: BUFFER_LIMIT_BYTES,
      onRoom: () => {
        for (const channel of this.#channels) channel.resume()
      },
    })
    this.#server = createServer((socket) => this.#accept(socket))
  }

  get opened(): OpenShard | undefined {
    return this.#open
  }

  /** Open connections of anyone. */
  get connections(): number {
    return this.#channels.size
  }

  /** Workers with a live connection. */
  get connectedWorkers(): number {
    return new Set(this.#workers().map(({ who }) => who.index)).size
  }

  /** @throws DownpourError PORT_TAKEN */
  async listen(host: string, port: number = PORTS.wire): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => {
        const taken = error.code === 'EADDRINUSE'
        reject(
          taken
            ? new DownpourError('PORT_TAKEN', `${host}:${port} is in use`, { host, port }, { cause: error })
            : error,
        )
      })
      this.#server.listen(port, host, resolve)
    })
  }

  /** Nobody is let in any more, and whoever is in is let go. */
  async close(): Promise<void> {
    this.#server.close()
    await Promise.all([...this.#channels].map((channel) => channel.end()))
  }

  #workers(): Peer[] {
    return [...this.#peers.values()].filter(({ role }) => role === 'worker')
  }

  #accept(socket: Socket): void {
    const heartbeatMs = this.#options.heartbeatMs ?? DEFAULT_HEARTBEAT_MS
    const channel: Channel = Channel.accept(socket, {
      heartbeatMs,
      silenceMs: 2 * heartbeatMs,
      allocate: (head) =>
        head.type === typeCode('push') ? this.#pool.acquire(head.bodyBytes) : Buffer.allocUnsafeSlow(head.bodyBytes),
      onMessage: (message, body, requestId) => {
        this.#receive(channel, message, body).then(
          (reply) => reply && channel.send(reply.message, requestId, reply.body, reply.sent),
          (error) => this.#refuse(channel, requestId, error),
        )
      },
    })
    this.#channels.add(channel)
    void channel.closed.then((error) => this.#leave(channel, error))
  }

  #refuse(channel: Channel, requestId: number, error: unknown): void {
    this.#options.metrics.protocolErrors.inc()
    channel.send({ type: 'refused', code: errorCode(error), message: errorMessage(error) }, requestId)
  }

  #leave(channel: Channel, error: Error | undefined): void {
    const peer = this.#peers.get(channel)
    this.#peers.delete(channel)
    this.#channels.delete(channel)
    this.#options.metrics.connectedWorkers.set(this.connectedWorkers)
    if (peer?.role !== 'worker') return
    const { index, podUid } = peer.who
    const elsewhere = this.#workers().some(({ who }) => who.podUid === podUid)
    const returned = elsewhere ? 0 : (this.#open?.leases?.giveBack(podUid) ?? 0)
    this.#options.log.info({ worker: index, returned, code: error && errorCode(error) }, 'worker left')
  }

  async #receive(channel: Channel, message: Message, body: Uint8Array): Promise<Answer | undefined> {
    if (message.type === 'hello') return this.#hello(channel, message)
    const peer = this.#peers.get(channel)
    if (!peer || !this.#open) throw new DownpourError('HELLO_FIRST', `a ${message.type} before a hello`)
    return peer.role === 'worker'
      ? this.#fromWorker(peer, this.#open, message, body)
      : this.#fromCoordinator(this.#open, message)
  }

  async #hello(channel: Channel, hello: Message<'hello'>): Promise<Answer> {
    const layout = this.#checkHello(hello)
    this.#opening ??= this.#options.open(layout, hello.dataUnits)
    this.#open = await this.#opening
    const { training, leases } = this.#open
    if (this.#open.layout.hash !== layout.hash) {
      throw new DownpourError(
        'LAYOUT_MISMATCH',
        `worker ${hello.index} has another model than the job (layout ${layout.hash.slice(0, 12)}, expected ${this.#open.layout.hash.slice(0, 12)}): all pods need one image and one spec`,
      )
    }
    if (hello.role === 'worker' && leases && leases.units !== hello.dataUnits) {
      throw new DownpourError(
        'DATA_UNITS_MISMATCH',
        `worker ${hello.index} sees ${hello.dataUnits} data files, the job has ${leases.units}: all workers need the same data`,
      )
    }
    const who = { index: hello.index, podUid: hello.podUid }
    if (hello.role === 'worker') this.#admit(who, training, leases)
    this.#peers.set(channel, { channel, role: hello.role, who, lease: undefined })
    this.#options.metrics.connectedWorkers.set(this.connectedWorkers)
    const heartbeatMs = this.#options.heartbeatMs ?? DEFAULT_HEARTBEAT_MS
    return { message: { type: 'welcome', incarnation: training.incarnation, version: training.version, heartbeatMs } }
  }

  #checkHello(hello: Message<'hello'>): ModelLayout {
    const { config, index } = this.#options
    const { parameterServers } = config.topology
    if (hello.jobUid !== config.job.uid || hello.shard !== index || hello.shards !== parameterServers) {
      throw new DownpourError(
        'WRONG_JOB',
        `this is shard ${index} of ${parameterServers} of job ${config.job.name}, not shard ${hello.shard} of ${hello.shards} of ${hello.jobUid}`,
      )
    }
    const layout = makeLayout(hello.layout)
    if (layout.hash === hello.layoutHash) return layout
    throw new DownpourError('LAYOUT_MISMATCH', 'the layout of a hello does not have the hash that it claims')
  }

  #admit(who: WorkerId, training: Training, leases: LeaseTable | undefined): void {
    const replaced = training.workers.admit(who)
    this.#options.log.info({ worker: who.index, podUid: who.podUid, replaced }, 'worker joined')
    if (!replaced) return
    leases?.giveBack(replaced)
    training.forget(who)
    const former = this.#workers().filter(({ who: { podUid } }) => podUid === replaced)
    for (const { channel } of former)
      channel.destroy(new DownpourError('FENCED', `another pod is worker ${who.index} now`))
  }

  #fromWorker(peer: Peer, open: OpenShard, message: Message, body: Uint8Array): Answer | undefined {
    const { training } = open
    training.assertAlive()
    switch (message.type) {
      case 'pull':
        return this.#pull(peer, training, message)
      case 'push':
        return this.#push(peer, training, message, body)
      case 'lease':
        return this.#lease(peer, open, message)
      case 'leaseDone':
        open.leases?.done(peer.who.podUid, message.lease)
        return { message: { type: 'ok' } }
      case 'goodbye':
        open.leases?.giveBack(peer.who.podUid)
        return undefined
      default:
        throw new DownpourError('WIRE_UNEXPECTED', `a worker does not send ${message.type}`)
    }
  }

  /** The weights are copied before they are sent: their checksum goes first, and updates go on meanwhile. */
  #pull(peer: Peer, training: Training, { incarnation, version }: Message<'pull'>): Answer {
    const { metrics } = this.#options
    training.workers.of(peer.who)
    const now = { type: 'weights', incarnation: training.incarnation, version: training.version } as const
    metrics.pulls.inc()
    if (training.done) return { message: { ...now, state: 'done' } }
    if (training.mustWait(peer.who)) return { message: { ...now, state: 'wait' } }
    training.notePull(peer.who)
    if (incarnation === now.incarnation && version === now.version) return { message: { ...now, state: 'unchanged' } }
    const weights = bytesOf(training.shard.weights)
    const copy = this.#pool.acquire(weights.length) ?? Buffer.allocUnsafeSlow(weights.length)
    copy.set(weights)
    metrics.sentBytes.inc(copy.length)
    return { message: { ...now, state: 'fresh' }, body: copy, sent: () => this.#pool.release(copy) }
  }

  #push(peer: Peer, training: Training, push: Message<'push'>, body: Uint8Array): Answer {
    const { metrics } = this.#options
    const end = metrics.pushSeconds.startTimer()
    try {
      const result = training.push(peer.who, push, body)
      metrics.pushes.inc({ result })
      return { message: { type: 'pushed', incarnation: training.incarnation, version: training.version, result } }
    } catch (error) {
      if (errorCode(error) === 'FENCED') {
        training.counts.fenced++
        metrics.pushes.inc({ result: 'fenced' })
      }
      throw error
    } finally {
      end()
      metrics.receivedBytes.inc(body.length)
      this.#pool.release(body)
    }
  }

  #lease(peer: Peer, { leases, training }: OpenShard, { seq }: Message<'lease'>): Answer {
    if (!leases) throw new DownpourError('WIRE_UNEXPECTED', 'leases are for parameter server 0')
    training.workers.of(peer.who)
    if (peer.lease?.seq !== seq) peer.lease = { seq, lease: training.done ? null : leases.next(peer.who.podUid) }
    return { message: { type: 'leased', lease: peer.lease.lease } }
  }

  async #fromCoordinator({ training }: OpenShard, message: Message): Promise<Answer> {
    switch (message.type) {
      case 'snapshot':
        return {
          message: {
            type: 'snapshotTaken',
            record: { ...(await this.#options.snapshots.take(training, message.folder)) },
          },
        }
      case 'finish':
        training.finished = true
        return { message: { type: 'ok' } }
      case 'version':
        return { message: { type: 'versionIs', version: training.version } }
      default:
        throw new DownpourError('WIRE_UNEXPECTED', `a coordinator does not send ${message.type}`)
    }
  }
}

interface Answer {
  message: Message
  body?: Uint8Array
  sent?: () => void
}
