/** Deletes events after an hour, as an API server does. */
import type { Clock } from '../../support/clock.ts'
import type { Stored } from './objects.ts'
import { resourceOfKind } from './resources.ts'
import type { ObjectStore } from './store.ts'

/** The default of the API server's --event-ttl. */
const KEPT_MS = 60 * 60_000
const EXPIRE_EVERY_MS = 60_000
const EVENTS = resourceOfKind('Event')

/** @returns a function that stops the expiry */
export function expireEvents(store: ObjectStore, clock: Clock, everyMs = EXPIRE_EVERY_MS): () => void {
  const expire = () => {
    const oldestMs = clock.nowMs() - KEPT_MS
    for (const event of store.list(EVENTS)) if (newestMs(event) < oldestMs) store.delete(EVENTS, event)
  }
  expire()
  const timer = setInterval(expire, everyMs)
  return () => clearInterval(timer)
}

/** The time of the last repetition, so that a series does not expire while it goes on. */
function newestMs(event: Stored): number {
  return Date.parse(String(event.lastTimestamp ?? event.metadata.creationTimestamp))
}
