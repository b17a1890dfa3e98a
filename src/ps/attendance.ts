/** Who is connected to a parameter server, and who was a moment ago. */
import type { Clock } from '../support/clock.ts'
import type { Channel } from '../wire/channel.ts'
import { Absences } from './absences.ts'
import type { Peer } from './peer.ts'

export class Attendance {
  /** Those that said hello. */
  readonly #peers = new Map<Channel, Peer>()
  readonly #absences: Absences
  readonly #clock: Clock
  #coordinatorLostAtMs = Number.NEGATIVE_INFINITY

  /** @param onGone called for a worker that went without a goodbye and stayed away for `absenceMs` */
  constructor(clock: Clock, absenceMs: number, onGone: (podUid: string) => void) {
    this.#clock = clock
    this.#absences = new Absences(absenceMs, onGone)
  }

  /** Worker indices with a live connection. */
  get connectedWorkers(): number {
    return new Set(this.#workers().map(({ who }) => who.index)).size
  }

  /** 0 while the coordinator is connected, infinite before it ever was. */
  get coordinatorAwayMs(): number {
    const isConnected = [...this.#peers.values()].some(({ role }) => role === 'coordinator')
    return isConnected ? 0 : this.#clock.monotonicMs() - this.#coordinatorLostAtMs
  }

  of(channel: Channel): Peer | undefined {
    return this.#peers.get(channel)
  }

  /** Whether the worker's pod is connected, or so lately gone that it may come back. */
  isThere(podUid: string): boolean {
    return this.#absences.has(podUid) || this.channelsOf(podUid).length > 0
  }

  channelsOf(podUid: string): Channel[] {
    return this.#workers().flatMap(({ who, channel }) => (who.podUid === podUid ? [channel] : []))
  }

  /** @returns other connections of the same pod: it calls anew only when it has given them up */
  join(peer: Peer): Channel[] {
    if (!peer.channel.alive) return [] // it went while it was being let in
    const former = [...this.#peers.values()].filter(
      ({ role, who }) => role === peer.role && who.podUid === peer.who.podUid,
    )
    this.#peers.set(peer.channel, peer)
    this.#absences.end(peer.who.podUid)
    return former.map(({ channel }) => channel)
  }

  /** @returns who it was, if it ever said */
  leave(channel: Channel): Peer | undefined {
    const peer = this.#peers.get(channel)
    this.#peers.delete(channel)
    if (peer?.role === 'coordinator') this.#coordinatorLostAtMs = this.#clock.monotonicMs()
    const mayReturn = peer?.role === 'worker' && !peer.saidGoodbye
    if (mayReturn && !this.isThere(peer.who.podUid)) this.#absences.begin(peer.who.podUid)
    return peer
  }

  /** The pod is not waited for. */
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
