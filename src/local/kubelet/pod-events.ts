/** Events of the kubelet about a pod. */
import { type Stored, timestamp } from '../store/objects.ts'
import { resourceOfKind } from '../store/resources.ts'
import type { ObjectStore } from '../store/store.ts'

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
    // Names increase, so that a list shows events of the same second in order.
    metadata: { name: `${name}.${store.version.toString(16).padStart(14, '0')}` } as Stored['metadata'],
    involvedObject: { kind: 'Pod', namespace, name, uid, apiVersion: 'v1' },
    ...event,
    count: 1,
    firstTimestamp: timestamp(nowMs),
    lastTimestamp: timestamp(nowMs),
    source: { component: 'kubelet', host },
  })
}
