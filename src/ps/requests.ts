/** Handles the messages of admitted peers. */
import type { PsMetrics } from '../metrics/ps.ts'
import { DownpourError, errorCode } from '../support/errors.ts'
import type { Outgoing } from '../wire/frames.ts'
import type { Message } from '../wire/messages.ts'
import { assertSameData } from './hello.ts'
import type { OpenShard, Peer } from './peer.ts'
import type { Snapshots } from './snapshot.ts'
import type { Training } from './training.ts'
import type { WorkerId } from './workers.ts'

export interface Answer {
  message: Message
  body?: Outgoing
  /** Called when the body may be reused. */
  sent?: () => void
}

export class Requests {
  readonly #metrics: PsMetrics
  readonly #snapshots: Snapshots

  constructor({ metrics, snapshots }: { metrics: PsMetrics; snapshots: Snapshots }) {
    this.#metrics = metrics
    this.#snapshots = snapshots
  }

  /** @throws DownpourError the reason for a refusal */
  async answer(peer: Peer, open: OpenShard, message: Message, body: Uint8Array): Promise<Answer | undefined> {
    if (message.type === 'goodbye') peer.saidGoodbye = true
    return peer.role === 'worker'
      ? this.#fromWorker(peer, open, message, body)
      : this.#fromCoordinator(open.training, message)
  }

  async #fromWorker(peer: Peer, open: OpenShard, message: Message, body: Uint8Array): Promise<Answer | undefined> {
    const { training, leases } = open
    const { who } = peer
    training.assertAlive()
    switch (message.type) {
      case 'pull':
        return this.#pull(peer, training, message)
      case 'push':
        return this.#push(who, training, message, body)
      case 'lease':
        return lease(peer, open, message)
      case 'leaseDone':
        training.workers.of(who)
        leases?.done(message.lease)
        return { message: { type: 'ok' } }
      case 'offerClasses':
        return classes(open, message, body)
      case 'goodbye':
        leases?.giveBack(who.podUid)
        return undefined
      default:
        throw new DownpourError('WIRE_UNEXPECTED', `a worker does not send ${message.type}`)
    }
  }

  /** A worker may be sent weights once at a time: one that keeps pulling without reading could exhaust the memory. */
  async #pull(peer: Peer, training: Training, { incarnation, version }: Message<'pull'>): Promise<Answer> {
    const { who } = peer
    await training.turn(who)
    training.workers.of(who)
    this.#metrics.pulls.inc()
    const now = () => ({ type: 'weights', incarnation: training.incarnation, version: training.version }) as const
    if (training.done) return { message: { ...now(), state: 'done' } }
    if (training.mustWait(who)) return { message: { ...now(), state: 'wait' } }
    if (incarnation === training.incarnation && version === training.version) {
      notePull(peer, training)
      return { message: { ...now(), state: 'unchanged' } }
    }
    if (peer.isPulling)
      throw new DownpourError('WIRE_UNEXPECTED', 'a pull before the answer to the previous one was read')
    peer.isPulling = true
    const { versions } = training.shard
    const lent = await versions.lend(training)
    notePull(peer, training)
    this.#metrics.sentBytes.inc(lent.body.bytes.length)
    const end = this.#metrics.pullSeconds.startTimer()
    const sent = () => {
      end()
      peer.isPulling = false
      versions.giveBack(lent)
    }
    return { message: { ...now(), version: lent.version, state: 'fresh' }, body: lent.body, sent }
  }

  async #push(who: WorkerId, training: Training, push: Message<'push'>, body: Uint8Array): Promise<Answer> {
    while (training.held) await training.held
    const end = this.#metrics.pushSeconds.startTimer()
    try {
      const result = training.push(who, push, body)
      this.#metrics.pushes.inc({ result })
      return { message: { type: 'pushed', incarnation: training.incarnation, version: training.version, result } }
    } catch (error) {
      if (errorCode(error) === 'FENCED') {
        training.counts.fenced++
        this.#metrics.pushes.inc({ result: 'fenced' })
      }
      throw error
    } finally {
      end()
      this.#metrics.receivedBytes.inc(body.length)
    }
  }

  async #fromCoordinator(training: Training, message: Message): Promise<Answer> {
    switch (message.type) {
      case 'snapshot': {
        const record = await this.#snapshots.take(training, message.folder)
        return { message: { type: 'snapshotTaken', record: { ...record } } }
      }
      case 'finish':
        training.finished = true
        return { message: { type: 'ok' } }
      case 'goodbye':
        training.released = true
        return { message: { type: 'ok' } }
      default:
        throw new DownpourError('WIRE_UNEXPECTED', `a coordinator does not send ${message.type}`)
    }
  }
}

/** A worker that has disconnected while its answer was prepared computes nothing: others must not wait for it. */
function notePull({ channel, who }: Peer, training: Training): void {
  if (channel.alive) training.notePull(who)
}

function lease(peer: Peer, { leases, training }: OpenShard, { seq }: Message<'lease'>): Answer {
  if (!leases) throw new DownpourError('WIRE_UNEXPECTED', 'parameter server 0 has the leases')
  training.workers.of(peer.who)
  assertSameData(peer, leases)
  return { message: { type: 'leased', lease: training.done ? null : leases.next(peer.who.podUid, seq) } }
}

/** A worker that offers no list gets its answer when another worker has offered one. */
async function classes(open: OpenShard, offer: Message<'offerClasses'>, body: Uint8Array): Promise<Answer> {
  if (!open.classes) throw new DownpourError('WIRE_UNEXPECTED', 'parameter server 0 has the list of classes')
  const { count, sha256, bytes } = body.length > 0 ? open.classes.offer(offer, body) : await open.classes.ask()
  const answer: Answer = { message: { type: 'classes', count, sha256 } }
  return open.classes.isSameAs(offer) ? answer : { ...answer, body: bytes }
}
