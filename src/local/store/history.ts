/** The most recent events, which watches resume from. */
import type { StoredEvent } from './objects.ts'
import { expired } from './status-error.ts'

const MIN_KEPT_EVENTS = 20_000

export class History {
  #events: StoredEvent[] = []
  /** Events up to this version are not kept: they are too old, or happened before this process started. */
  #droppedUpTo: number

  /** @param version the newest version of the previous process */
  constructor(version: number) {
    this.#droppedUpTo = version
  }

  add(event: StoredEvent): void {
    this.#events.push(event)
    if (this.#events.length <= 2 * MIN_KEPT_EVENTS) return
    this.#droppedUpTo = this.#events[MIN_KEPT_EVENTS - 1]?.version ?? this.#droppedUpTo
    this.#events = this.#events.slice(MIN_KEPT_EVENTS)
  }

  /** @throws StatusError 410, because a watch from an older version would miss events silently */
  after(version: number): StoredEvent[] {
    if (version < this.#droppedUpTo) throw expired(`too old resource version: ${version} (${this.#droppedUpTo})`)
    const first = this.#events.findIndex((event) => event.version > version)
    return first < 0 ? [] : this.#events.slice(first)
  }
}
