/** What the kubelet tells people about a pod, and the hour after which events are forgotten. */
import type { Clock } from '../../support/clock.ts'
import { type Stored, timestamp } from '../store/objects.ts'
import { resourceOfKind } from '../store/resources.ts'
import type { ObjectStore } from '../store/store.ts'

/** As the API server's --event-ttl. */
const KEPT_MS = 60 * 60_000
const EXPIRE_EVERY_MS = 60_000
const EVENTS = resourceOfKind('Event')

export interface PodEvent {
  type: 'Normal' | 'Warning'
  reason: string
  message: string
}

export function recordPodEvent(store: ObjectStore, pod: Stored, event: PodEvent, host: string, nowMs: number): void {
  const { namespace, name, uid } = pod.metadata
  store.create(EVENTS, namespace, {
    apiVersion: 'v1',
    kind: 'Event',
    // Names rise, so that events of one second are told in order.
    metadata: { name: `${name}.${store.version.toString(16).padStart(14, '0')}` } as Stored['metadata'],
    involvedObject: { kind: 'Pod', namespace, name, uid, apiVersion: 'v1' },
    ...event,
    count: 1,
    firstTimestamp: timestamp(nowMs),
    lastTimestamp: timestamp(nowMs),
    source: { component: 'kubelet', host },
  })
}

/** @returns a function that stops it */
export function expireEvents(store: ObjectStore, clock: Clock, everyMs = EXPIRE_EVERY_MS): () => void {
  const expire = () => {
    const oldestMs = clock.nowMs() - KEPT_MS
    for (const event of store.list(EVENTS)) if (newestMs(event) < oldestMs) store.delete(EVENTS, event)
  }
  expire()
  const timer = setInterval(expire, everyMs)
  return () => clearInterval(timer)
}

/** A series lives as long as it is repeated. */
function newestMs(event: Stored): number {
  return Date.parse(String(event.lastTimestamp ?? event.metadata.creationTimestamp))
}
