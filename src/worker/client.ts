/** The client of the parameter servers: pulls weights, pushes gradients, leases data. It knows no model. */
import type { LookupFunction } from 'node:net'
import type { Class, ClassList } from '../contract/classes.ts'
import type { Lease, PushResult } from '../contract/exchange.ts'
import type { Compression } from '../contract/training.ts'
import type { LeaseSource } from '../input/batch.ts'
import { systemClock } from '../support/clock.ts'
import { DownpourError } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import { sizeOf } from '../support/variables.ts'
import { endpointOf } from '../wire/endpoint.ts'
import {
  type LayoutEntry,
  type ModelLayout,
  type Placement,
  type PlacementOptions,
  placeLayout,
  type ShardLayout,
} from '../wire/layout.ts'
import type { Message, MessageType } from '../wire/messages.ts'
import { proven } from '../wire/proof.ts'
import type { Region } from '../wire/regions.ts'
import { GradientBuffer, pushedOf, type ReceivedWeights, WeightBuffer, type WeightsBase } from './buffers.ts'
import { ClassAgreement } from './class-agreement.ts'
import { ShardLink } from './client-link.ts'

export interface ConnectOptions {
  /** One for each parameter server, in order; `host:port` overrides `port`. */
  hosts: readonly string[]
  port: number
  lookup?: LookupFunction
  identity: { index: number; podUid: string; attempt: number }
  jobUid: string
  /** The key of the run, if it has one. */
  key?: string | undefined
  layout: ModelLayout
  /** As the parameter servers place the layout; absent: variables may be cut. */
  placement?: PlacementOptions
  /** Whether the caller uses weights and gradients while the next ones are exchanged: then it has both of them twice. */
  overlap?: boolean
  /** Of the gradients in pushes, as the parameter servers expect it; absent: none. */
  compression?: Compression | undefined
  /** Number of units of data that this worker sees; the same for all workers. */
  dataUnits: number
  /** Classes of the worker's folder; they become those of a job that has none yet. */
  classes: ClassList
  /** Whether `classes` can become the list of a job without one; false: another worker must offer its list. May throw. */
  mayOfferClasses?: (own: ClassList) => boolean
  signal: AbortSignal
  log: Log
  /** Milliseconds between heartbeats. After `silenceMs` without an answer (default 2 heartbeats) the client reconnects. */
  heartbeatMs?: number
  silenceMs?: number
  /** Milliseconds between requests of a worker that must not train yet. */
  waitMs?: number
}

export interface PullResult {
  /** Global step: updates applied by parameter server 0. */
  step: number
  /** Every variable of the model, as views that the next pull overwrites; with `overlap`, the one after the next. */
  weights: ReadonlyMap<string, Float32Array>
  base: WeightsBase
  /** False: these are the values of the last pull, in the same arrays. */
  changed: boolean
}

export interface PushRequest {
  /** The sum over `batches` of dL/dw by name, every trainable variable; without weight decay, which the server adds. */
  gradients: ReadonlyMap<string, Float32Array>
  /** Batch mean and variance by name, every variable of kind statistic; their means over `batches`. */
  statistics: ReadonlyMap<string, Float32Array>
  batches: number
  loss: number
  examples: number
  /** Of the weights on which the gradients were computed; of several steps the oldest. */
  base: WeightsBase
}

export interface PushReply {
  result: PushResult
  step: number
}

export interface ShardClient {
  /**
   * The gradients and statistics of the next push by name, as views of what is sent. A push whose arrays are these views
   * copies nothing. They must not change between a push and its answer; with `overlap`, the push after it has other ones.
   */
  readonly outgoing: ReadonlyMap<string, Float32Array>
  /** One pull at a time. Waits during warm start and until batch norm is calibrated, except for worker 0. @throws DownpourError FENCED…, AbortError */
  pull(): Promise<PullResult>
  /**
   * One push at a time. Repeats it with the same sequence number until it is answered. One that is not finite is `nonfinite` without being
   * sent, and changes no count of the server. A pull may be under way meanwhile: request it first, because a request waits
   * until the body of a push before it is sent.
   * @throws DownpourError FENCED…, PUSH_INCOMPLETE, AbortError
   */
  push(request: PushRequest): Promise<PushReply>
  /** The weights of the last pull. */
  readonly base: WeightsBase
  readonly leases: LeaseSource
  /** The classes of the job; workers number their labels by them. */
  readonly classes: readonly Class[]
  /** True when the job has finished its last step. */
  readonly done: boolean
  readonly placement: Placement
  close(): Promise<void>
}

const DEFAULT_HEARTBEAT_MS = 10_000
const DEFAULT_WAIT_MS = 250
/** No weights. */
const NOTHING = { incarnation: 0, version: 0 }

/** Resolves when every parameter server has answered, and waits for pods that start late. */
export async function connectShards(options: ConnectOptions): Promise<ShardClient> {
  const client = new Client(options)
  try {
    await client.ready()
    return client
  } catch (error) {
    await client.close()
    throw error
  }
}

class Client implements ShardClient {
  readonly placement: Placement
  readonly leases: LeaseSource
  readonly #links: readonly ShardLink[]
  /** Pulls and pushes use them in turn. */
  readonly #weights: readonly WeightBuffer[]
  readonly #gradients: readonly GradientBuffer[]
  readonly #agreement: ClassAgreement
  readonly #options: ConnectOptions
  #done = false
  #base: WeightsBase
  #pulls = 0
  /** The last version of parameter server 0 that this worker knows. */
  #globalStep = 0
  #pushSeq = 0
  #leaseSeq = 0
  #leaseTurn: Promise<unknown> = Promise.resolve()

  constructor(options: ConnectOptions) {
    this.#options = options
    this.placement = placeLayout(options.layout, options.hosts.length, options.placement)
    this.#agreement = new ClassAgreement(options.classes, options.mayOfferClasses ?? (() => true))
    this.#links = this.placement.shards.map((shard) => new ShardLink(linkOptions(options, shard, this.#agreement)))
    const copies = options.overlap ? [0, 1] : [0]
    this.#weights = copies.map(() => new WeightBuffer(this.placement))
    const bodies = () => this.#links.map((link) => link.bodyOfPush())
    this.#gradients = copies.map(() => new GradientBuffer(this.placement, bodies()))
    this.#base = this.#links.map(() => NOTHING)
    this.leases = { next: () => this.#inTurn(() => this.#nextLease()), done: (lease) => this.#leaseDone(lease) }
  }

  get done(): boolean {
    return this.#done
  }

  get classes(): readonly Class[] {
    return this.#agreement.classes
  }

  get base(): WeightsBase {
    return this.#base
  }

  get outgoing(): ReadonlyMap<string, Float32Array> {
    return this.#nextGradients.byName
  }

  get #nextGradients(): GradientBuffer {
    return this.#gradients[this.#pushSeq % this.#gradients.length] as GradientBuffer
  }

  async ready(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.ready()))
  }

  async pull(): Promise<PullResult> {
    const buffer = this.#weights[this.#pulls++ % this.#weights.length] as WeightBuffer
    // Parameter server 0 first: it decides whether this worker may train, before the others send their weights.
    const first = await this.#pullWhenReady(buffer, 0)
    this.#globalStep = first.version
    if (first.state === 'done') {
      this.#done = true
      return { step: first.version, weights: buffer.byName, base: this.#base, changed: false }
    }
    const others = await Promise.all(this.#links.slice(1).map((_, i) => this.#pullWhenReady(buffer, i + 1)))
    this.#base = buffer.base
    const isFresh = [first, ...others].some(({ state }) => state === 'fresh')
    return {
      step: first.version,
      weights: buffer.byName,
      base: buffer.base,
      changed: isFresh || this.#weights.length > 1,
    }
  }

  /** Waits until the server lets this worker train. */
  async #pullWhenReady(buffer: WeightBuffer, shard: number): Promise<Message<'weights'>> {
    let answer = await this.#pullFrom(shard, buffer)
    while (answer.state === 'wait') {
      await systemClock.sleep(this.#options.waitMs ?? DEFAULT_WAIT_MS, this.#options.signal)
      answer = await this.#pullFrom(shard, buffer)
    }
    return answer
  }

  async #pullFrom(shard: number, buffer: WeightBuffer): Promise<Message<'weights'>> {
    const link = this.#link(shard)
    const received = buffer.shards[shard] as ReceivedWeights
    link.receiving = received
    const reply = await link.request(() => ({ type: 'pull', ...received.have }))
    const answer = expect(reply.message, 'weights')
    if (answer.state === 'fresh') buffer.received(shard, { incarnation: answer.incarnation, version: answer.version })
    return answer
  }

  async push(request: PushRequest): Promise<PushReply> {
    const { shards: bodies, byName } = this.#nextGradients
    for (const [i, shard] of this.placement.shards.entries()) fill(bodies[i] as Region, shard, request, byName)
    if (bodies.some((body) => !body.isFinite)) return { result: 'nonfinite', step: this.#globalStep }
    const seq = ++this.#pushSeq
    const loss = Number.isFinite(request.loss) ? request.loss : null
    const { examples, batches } = request
    const globalStep = this.#globalStep
    const replies = this.#links.map(async (link, shard) => {
      const { incarnation, version } = request.base[shard] ?? NOTHING
      const push = {
        type: 'push',
        seq,
        incarnation,
        baseVersion: version,
        loss,
        examples,
        batches,
        globalStep,
      } as const
      return expect(await link.push(push, bodies[shard] as Region), 'pushed')
    })
    const [leader, ...others] = replies
    for (const other of others) other.catch(() => {})
    const first = await (leader as Promise<Message<'pushed'>>)
    this.#globalStep = first.version
    // Parameter server 0 decides whether the job is done. The others may have exited already.
    if (first.result === 'done') this.#done = true
    const rest = this.#done ? [] : await Promise.all(others)
    return { result: worst(first.result, rest), step: first.version }
  }

  async close(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.close()))
  }

  #link(index: number): ShardLink {
    return this.#links[index] as ShardLink
  }

  /** One lease request at a time, because the server stores only the last answer to a worker. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#leaseTurn.then(work)
    this.#leaseTurn = turn.catch(() => {})
    return turn
  }

  async #nextLease(): Promise<Lease | null> {
    if (this.#done) return null
    const seq = ++this.#leaseSeq
    const reply = await this.#link(0).request(() => ({ type: 'lease', seq }))
    return expect(reply.message, 'leased').lease
  }

  async #leaseDone(lease: Lease): Promise<void> {
    if (!this.#done) await this.#link(0).request(() => ({ type: 'leaseDone', lease }))
  }
}

function linkOptions(
  options: ConnectOptions,
  shard: ShardLayout,
  agreement: ClassAgreement,
): ConstructorParameters<typeof ShardLink>[0] {
  const heartbeatMs = options.heartbeatMs ?? DEFAULT_HEARTBEAT_MS
  return {
    ...endpointOf(options.hosts[shard.index] ?? '', options.port),
    ...(options.lookup ? { lookup: options.lookup } : {}),
    hello: () => helloOf(options, shard.index, agreement),
    ...(shard.index === 0 ? { classes: agreement } : {}),
    layout: options.layout,
    shard,
    compression: options.compression ?? 'none',
    heartbeatMs,
    silenceMs: options.silenceMs ?? 2 * heartbeatMs,
    signal: options.signal,
    log: options.log.child({ shard: shard.index }),
  }
}

function helloOf(options: ConnectOptions, shard: number, agreement: ClassAgreement): Message<'hello'> {
  const { compression } = options
  const hello: Message<'hello'> = {
    type: 'hello',
    role: 'worker',
    ...options.identity,
    restored: null,
    jobUid: options.jobUid,
    shard,
    shards: options.hosts.length,
    layoutHash: options.layout.hash,
    dataUnits: options.dataUnits,
    classes: agreement.id,
    ...(compression && compression !== 'none' ? { compression } : {}),
  }
  return proven(hello, options.key)
}

/**
 * Scans each variable after it was copied, while it is in the processor's cache.
 * @param views of `body`: these arrays need not be copied
 */
function fill(body: Region, shard: ShardLayout, request: PushRequest, views: GradientBuffer['byName']): void {
  body.open(body.bytes.length)
  for (const entry of pushedOf(shard)) {
    const values = valuesFor(entry, request)
    if (values !== views.get(entry.name)) body.floats.set(partOf(values, entry), entry.offset)
    body.advance(4 * (entry.offset + entry.length))
  }
  body.finish()
}

/** @param values of the whole variable */
function partOf(values: Float32Array, { start, length }: LayoutEntry): Float32Array {
  return values.subarray(start, start + length)
}

/** @returns the values of the whole variable. @throws DownpourError PUSH_INCOMPLETE */
function valuesFor({ name, kind, shape }: LayoutEntry, { gradients, statistics }: PushRequest): Float32Array {
  const values = (kind === 'trainable' ? gradients : statistics).get(name)
  const expected = sizeOf(shape)
  if (values?.length === expected) return values
  throw new DownpourError(
    'PUSH_INCOMPLETE',
    `push lacks ${kind} '${name}': got ${values?.length ?? 'no'} values, expected ${expected}`,
    { name, kind, expected },
  )
}

/** Parameter server 0 decides whether a push counts. Of the other results only `incarnation` matters: it requires a pull. */
function worst(first: PushResult, others: readonly Message<'pushed'>[]): PushResult {
  if (first !== 'applied' && first !== 'duplicate') return first
  return others.some(({ result }) => result === 'incarnation') ? 'incarnation' : first
}

function expect<T extends MessageType>(message: Message, type: T): Message<T> {
  if (message.type === type) return message as Message<T>
  throw new DownpourError('WIRE_UNEXPECTED', `the parameter server answered ${message.type}, expected ${type}`)
}
