/** The peers that are connected to a parameter server, and workers that were connected recently. */
import type { Clock } from '../support/clock.ts'
import type { Channel } from '../wire/channel.ts'
import { Absences } from './absences.ts'
import type { Peer } from './peer.ts'

export class Attendance {
  /** Admitted peers. */
  readonly #peers = new Map<Channel, Peer>()
  readonly #absences: Absences
  readonly #clock: Clock
  #coordinatorLostAtMs = Number.NEGATIVE_INFINITY

  /** @param onGone called for a worker whose connection broke and that has not reconnected within `absenceMs` */
  constructor(clock: Clock, absenceMs: number, onGone: (podUid: string) => void) {
    this.#clock = clock
    this.#absences = new Absences(absenceMs, onGone)
  }

  /** Number of worker indices with a connection. */
  get connectedWorkers(): number {
    return new Set(this.#workers().map(({ who }) => who.index)).size
  }

  /** 0 while the coordinator is connected, infinite before it has connected. */
  get coordinatorAwayMs(): number {
    const isConnected = [...this.#peers.values()].some(({ role }) => role === 'coordinator')
    return isConnected ? 0 : this.#clock.monotonicMs() - this.#coordinatorLostAtMs
  }

  of(channel: Channel): Peer | undefined {
    return this.#peers.get(channel)
  }

  /** Whether the worker's pod is connected, or may still reconnect. */
  isThere(podUid: string): boolean {
    return this.#absences.has(podUid) || this.channelsOf(podUid).length > 0
  }

  channelsOf(podUid: string): Channel[] {
    return this.#workers().flatMap(({ who, channel }) => (who.podUid === podUid ? [channel] : []))
  }

  /** @returns older connections of the same pod, which it has given up by connecting again */
  join(peer: Peer): Channel[] {
    if (!peer.channel.alive) return [] // it disconnected during admission
    const former = [...this.#peers.values()].filter(
      ({ role, who }) => role === peer.role && who.podUid === peer.who.podUid,
    )
    this.#peers.set(peer.channel, peer)
    this.#absences.end(peer.who.podUid)
    return former.map(({ channel }) => channel)
  }

  /** @returns the peer, if it was admitted */
  leave(channel: Channel): Peer | undefined {
    const peer = this.#peers.get(channel)
    this.#peers.delete(channel)
    if (peer?.role === 'coordinator') this.#coordinatorLostAtMs = this.#clock.monotonicMs()
    const mayReturn = peer?.role === 'worker' && !peer.saidGoodbye
    if (mayReturn && !this.isThere(peer.who.podUid)) this.#absences.begin(peer.who.podUid)
    return peer
  }

  /** Stops waiting for the pod. */
  dismiss(podUid: string): void {
    this.#absences.end(podUid)
  }

  close(): void {
    this.#absences.close()
  }

  #workers(): Peer[] {
    return [...this.#peers.values()].filter(({ role }) => role === 'worker')
  }
}
