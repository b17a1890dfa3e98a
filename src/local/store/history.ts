/** The bounded past that watches resume from. */
import type { StoredEvent } from './objects.ts'
import { expired } from './status-error.ts'

const KEPT = 20_000

export class History {
  #events: StoredEvent[] = []
  /** Nothing is known of what happened up to this version: a former process, or too long ago. */
  #forgotten: number

  /** @param version the newest one of the former process */
  constructor(version: number) {
    this.#forgotten = version
  }

  add(event: StoredEvent): void {
    this.#events.push(event)
    if (this.#events.length <= 2 * KEPT) return
    this.#forgotten = this.#events[KEPT - 1]?.version ?? this.#forgotten
    this.#events = this.#events.slice(KEPT)
  }

  /** @throws StatusError 410: silence would hide what was forgotten */
  after(version: number): StoredEvent[] {
    if (version < this.#forgotten) throw expired(`too old resource version: ${version} (${this.#forgotten})`)
    const first = this.#events.findIndex((event) => event.version > version)
    return first < 0 ? [] : this.#events.slice(first)
  }
}
