/** The server side of the wire: accepts and admits connections, and allocates buffers for their bodies. */
import { createServer, type Server, type Socket } from 'node:net'
import { MAX_CLASSES_BYTES } from '../contract/classes.ts'
import type { RuntimeConfig } from '../contract/runtime.ts'
import type { Failure } from '../contract/status.ts'
import type { PsMetrics } from '../metrics/ps.ts'
import type { Clock } from '../support/clock.ts'
import { DownpourError, errorCode, errorMessage } from '../support/errors.ts'
import { listenAt } from '../support/listen.ts'
import type { Log } from '../support/log.ts'
import { BufferPool } from '../wire/buffer-pool.ts'
import { Channel } from '../wire/channel.ts'
import { EMPTY, type FrameHead, type Incoming } from '../wire/frames.ts'
import type { ModelLayout } from '../wire/layout.ts'
import { type Message, typeCode } from '../wire/messages.ts'
import { Attendance } from './attendance.ts'
import { assertSameModel, assertSameOrigin, type Origin } from './hello.ts'
import type { OpenShard, Peer } from './peer.ts'
import { type Introduction, Reception, SHORT_HEADERS } from './reception.ts'
import { type Answer, Requests } from './requests.ts'
import type { Snapshots } from './snapshot.ts'
import type { Training } from './training.ts'
import type { WorkerId } from './workers.ts'

export interface PsServerOptions {
  config: RuntimeConfig
  index: number
  /** Called once, with the first worker's layout. @throws the error that ends the job */
  open: (layout: ModelLayout, dataUnits: number) => Promise<OpenShard>
  /** Known once the server listens. */
  origin: () => Origin
  /** Called if this shard and its coordinator do not belong together. */
  onDisagreement: (failure: Failure) => void
  /** Called with the index of a worker that has left and will not connect again. */
  onLeft: (worker: number) => void
  snapshots: Snapshots
  /** The key that callers must prove to know. */
  key: string | undefined
  clock: Clock
  metrics: PsMetrics
  log: Log
  limits?: Partial<ServerLimits> | undefined
}

export interface ServerLimits {
  heartbeatMs: number
  /** A worker may be silent for so long. */
  workerSilenceMs: number
  /** A worker whose connection broke keeps its data for so long. */
  absenceMs: number
  /** Bodies of pushes and pulls that are received or sent at once; more than this waits. */
  bufferLimitBytes: number
  /** A connection without a hello is closed after so long. */
  helloWithinMs: number
}

export const DEFAULT_LIMITS: ServerLimits = {
  heartbeatMs: 10_000,
  // A training step blocks its worker's program, heartbeats included; the kernel's keep-alive finds a dead peer.
  workerSilenceMs: 300_000,
  absenceMs: 60_000,
  bufferLimitBytes: 512 * 2 ** 20,
  // A caller sends its hello as soon as it is connected.
  helloWithinMs: 10_000,
}

/** Of the lists of classes that are received at once. */
const LIST_LIMIT_BYTES = 2 * MAX_CLASSES_BYTES

export class PsServer {
  readonly #options: PsServerOptions
  readonly #limits: ServerLimits
  readonly #channels = new Set<Channel>()
  readonly #reception: Reception
  readonly #attendance: Attendance
  /** Lists of classes that are being received. */
  readonly #lists: BufferPool
  readonly #requests: Requests
  readonly #server: Server
  #opening: Promise<OpenShard> | undefined
  #open: OpenShard | undefined
  /** Pod of the last coordinator. */
  #coordinatorUid: string | undefined

  constructor(options: PsServerOptions) {
    this.#options = options
    const { config, index, key, metrics, snapshots } = options
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits }
    const { absenceMs, helloWithinMs } = this.#limits
    const knowsLayout = () => this.#opening !== undefined
    this.#reception = new Reception({ config, index, key, knowsLayout, helloWithinMs })
    this.#attendance = new Attendance(options.clock, absenceMs, (podUid) => this.#giveBack(podUid))
    this.#lists = new BufferPool({ limitBytes: LIST_LIMIT_BYTES, onRoom: () => this.#onRoom() })
    this.#requests = new Requests({ metrics, snapshots })
    this.#server = createServer((socket) => this.#accept(socket))
  }

  get opened(): OpenShard | undefined {
    return this.#open
  }

  get connectedWorkers(): number {
    return this.#attendance.connectedWorkers
  }

  /** 0 while the coordinator is connected, infinite before it has connected. */
  get coordinatorAwayMs(): number {
    return this.#attendance.coordinatorAwayMs
  }

  /** @param port 0: any free port. @returns the port. @throws DownpourError PORT_TAKEN */
  listen(host: string | undefined, port: number): Promise<number> {
    return listenAt(this.#server, host, port)
  }

  /** Opens the shard once, with the layout from a worker or from a checkpoint. */
  async open(layout: ModelLayout, dataUnits: number): Promise<OpenShard> {
    this.#opening ??= this.#options.open(layout, dataUnits)
    this.#open = await this.#opening
    this.#open.training.shard.bodies.onRoom = () => this.#onRoom()
    return this.#open
  }

  /** Stops accepting and closes all connections. */
  async close(): Promise<void> {
    this.#server.close()
    this.#attendance.close()
    await Promise.all([...this.#channels].map((channel) => channel.end()))
  }

  #accept(socket: Socket): void {
    const { remoteAddress = '' } = socket
    const channel: Channel = Channel.accept(socket, {
      heartbeatMs: this.#limits.heartbeatMs,
      silenceMs: 2 * this.#limits.heartbeatMs,
      limits: SHORT_HEADERS,
      allocate: (head) => this.#roomFor(channel, head),
      release: (body) => this.#release(body),
      onMessage: (message, body, requestId) => void this.#onMessage(channel, message, body, requestId),
    })
    this.#channels.add(channel)
    this.#reception.enter(channel, remoteAddress)
    void channel.closed.then((error) => this.#leave(channel, error))
  }

  /** Allocates only for workers, and only for a push of the shard's length or a list of classes. */
  #roomFor(channel: Channel, { type, bodyBytes }: FrameHead): Incoming | null {
    const isWorker = this.#attendance.of(channel)?.role === 'worker'
    const { shard } = this.#open?.training ?? {}
    const expected = shard?.pushBytes ?? 0
    const isPush = type === typeCode('push') && bodyBytes === expected
    const isList = type === typeCode('offerClasses') && this.#open?.classes && bodyBytes <= MAX_CLASSES_BYTES
    if (!isWorker || !shard || !(isPush || isList))
      throw new DownpourError('FRAME_BAD_BODY', `a body has ${bodyBytes} bytes, a push to this shard ${expected}`)
    const room = isPush ? shard.bodies.acquire(bodyBytes) : this.#lists.acquire(bodyBytes)
    if (!room) setImmediate(() => this.#noteQueue())
    return room
  }

  #release(body: Uint8Array): void {
    this.#lists.release(body)
    this.#open?.training.shard.bodies.release(body)
  }

  #onRoom(): void {
    for (const channel of this.#channels) channel.resume()
    this.#noteQueue()
  }

  #noteQueue(): void {
    const stalled = [...this.#channels].filter((channel) => channel.stalled).length
    this.#options.metrics.queueDepth.set(stalled + (this.#open?.training.shard.bodies.waiting ?? 0))
  }

  async #onMessage(channel: Channel, message: Message, body: Uint8Array, requestId: number): Promise<void> {
    try {
      const reply = await this.#answer(channel, message, body)
      if (reply) channel.send(reply.message, requestId, reply.body ?? EMPTY, reply.sent)
    } catch (error) {
      this.#options.metrics.protocolErrors.inc()
      // A connection that was not admitted is closed.
      if (!this.#attendance.of(channel)) channel.refuse(error, requestId)
      else channel.send({ type: 'refused', code: errorCode(error), message: errorMessage(error) }, requestId)
    } finally {
      this.#release(body)
    }
  }

  async #answer(channel: Channel, message: Message, body: Uint8Array): Promise<Answer | undefined> {
    const peer = this.#attendance.of(channel)
    if (peer && this.#open) return this.#requests.answer(peer, this.#open, message, body)
    const said = this.#reception.receive(channel, message)
    if (said.hello.role === 'coordinator') this.#mustAgree(said.hello)
    return said.isAsked ? { message: { type: 'layoutWanted' } } : this.#letIn(channel, said)
  }

  async #letIn(channel: Channel, { hello, layout }: Introduction): Promise<Answer> {
    const open = await (layout ? this.open(layout, hello.dataUnits) : this.#opening)
    if (!open) throw new DownpourError('HELLO_FIRST', 'the layout is not known yet')
    assertSameModel(hello, open)
    const { role, index, podUid, dataUnits } = hello
    const peer: Peer = { channel, role, who: { index, podUid }, dataUnits }
    if (peer.role === 'worker') this.#admit(channel, peer.who, hello.attempt, open)
    else this.#coordinatorUid = hello.podUid
    const former = this.#attendance.join(peer)
    for (const one of former) one.destroy(new DownpourError('WIRE_REPLACED', 'the pod has connected again'))
    this.#options.metrics.connectedWorkers.set(this.connectedWorkers)
    const { incarnation, version } = open.training
    const classes = open.classes?.id ?? null
    return { message: { type: 'welcome', incarnation, version, heartbeatMs: this.#limits.heartbeatMs, classes } }
  }

  /** A coordinator of a later generation or another checkpoint ends this shard; one of an earlier generation is refused. */
  #mustAgree(hello: Message<'hello'>): void {
    try {
      assertSameOrigin(hello, this.#options.origin())
      this.#mustBeSameCoordinator(hello.podUid)
    } catch (error) {
      const code = errorCode(error)
      if (code !== 'OUTDATED_COORDINATOR') this.#options.onDisagreement({ code, message: errorMessage(error) })
      throw error
    }
  }

  /** A second coordinator of the same generation does not know the updates that were applied under the first. */
  #mustBeSameCoordinator(podUid: string): void {
    const isOther = this.#coordinatorUid !== undefined && this.#coordinatorUid !== podUid
    if (!isOther || !this.#open?.training.counts.applied) return
    throw new DownpourError('SHARDS_DISAGREE', `the coordinator was replaced alone (pod ${podUid}): all must restart`)
  }

  #admit(channel: Channel, who: WorkerId, attempt: number, { training }: OpenShard): void {
    const replaced = training.workers.admit(who, attempt, (podUid) => this.#attendance.isThere(podUid))
    this.#options.log.info({ worker: who.index, podUid: who.podUid, attempt, replaced }, 'worker joined')
    channel.allowSilence(this.#limits.workerSilenceMs)
    if (replaced) this.#replace(replaced, who, training)
  }

  /** Returns the leases of the former pod and closes its connections. */
  #replace(former: string, who: WorkerId, training: Training): void {
    training.forget(who)
    this.#giveBack(former)
    for (const channel of this.#attendance.channelsOf(former))
      channel.destroy(new DownpourError('FENCED', `another pod is worker ${who.index} now`))
  }

  #giveBack(podUid: string): void {
    this.#attendance.dismiss(podUid)
    const returned = this.#open?.leases?.giveBack(podUid) ?? 0
    if (returned > 0) this.#options.log.info({ podUid, returned }, 'leases of a worker that has left are returned')
  }

  #leave(channel: Channel, error: Error | undefined): void {
    const { metrics, log } = this.#options
    const peer = this.#attendance.leave(channel)
    this.#reception.leave(channel)
    this.#channels.delete(channel)
    metrics.connectedWorkers.set(this.connectedWorkers)
    if (errorCode(error).startsWith('FRAME_')) metrics.protocolErrors.inc()
    if (peer?.role === 'worker' && this.#attendance.channelsOf(peer.who.podUid).length === 0)
      this.#open?.training.leave(peer.who)
    if (peer?.role === 'worker' && peer.saidGoodbye) this.#options.onLeft(peer.who.index)
    if (peer?.role === 'worker') log.info({ worker: peer.who.index, code: error && errorCode(error) }, 'worker left')
  }
}
