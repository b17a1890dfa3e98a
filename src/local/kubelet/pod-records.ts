/** Reads and writes pods in the store for the kubelet: by uid, because another pod may have taken the name. */
import type { Clock } from '../../support/clock.ts'
import { type Stored, timestamp } from '../store/objects.ts'
import { resourceOfKind } from '../store/resources.ts'
import type { ObjectStore } from '../store/store.ts'
import { type PodEvent, recordPodEvent } from './pod-events.ts'
import type { PodStatus } from './pod-status.ts'

export const NODE_NAME = 'local'
export const PODS = resourceOfKind('Pod')

export class PodRecords {
  readonly #store: ObjectStore
  readonly #clock: Clock

  constructor(store: ObjectStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  list(): Stored[] {
    return this.#store.list(PODS)
  }

  /** @returns the stored pod; undefined if it was deleted, even if another pod has its name */
  current({ metadata }: Stored): Stored | undefined {
    const current = this.#store.find(PODS, metadata.namespace, metadata.name)
    return current?.metadata.uid === metadata.uid ? current : undefined
  }

  writeStatus(pod: Stored, status: PodStatus): void {
    const current = this.current(pod)
    if (current) this.#store.update(PODS, current, { ...current, status }, 'status')
  }

  /** Sets spec.nodeName. @returns undefined if the pod has been deleted meanwhile */
  bind(pod: Stored): Stored | undefined {
    const { namespace, name } = pod.metadata
    const current = this.current(pod)
    if (!current) return undefined
    const message = `Assigned ${namespace}/${name} to ${NODE_NAME}`
    this.recordEvent(pod, { type: 'Normal', reason: 'Scheduled', message })
    return this.#store.update(PODS, current, { ...current, spec: { ...current.spec, nodeName: NODE_NAME } }, 'object')
  }

  remove(pod: Stored): void {
    this.#store.delete(PODS, pod, { gracePeriodSeconds: 0 })
  }

  recordEvent(pod: Stored, event: PodEvent): void {
    recordPodEvent(this.#store, pod, event, NODE_NAME, this.#clock.nowMs())
  }

  now(): string {
    return timestamp(this.#clock.nowMs())
  }
}
