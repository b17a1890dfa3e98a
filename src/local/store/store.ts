/**
 * Holds all objects, the counter of resource versions, and recent events for watches. This folder has each rule of the API
 * server about a single object (uids, conflicts, generations, finalizers, graceful deletion of pods), and no HTTP.
 */
import { EventEmitter } from 'node:events'
import type { Clock } from '../../support/clock.ts'
import { admit, admitStatus } from './admission.ts'
import { withCreateDefaults } from './create-defaults.ts'
import { History } from './history.ts'
import type { Journal } from './journal.ts'
import { clone, hasEnded, type Stored, type StoredEvent, sameContent, timestamp } from './objects.ts'
import { type Resource, resourceOfKind } from './resources.ts'
import { changesSpec, checkPreconditions, type Part, revise } from './revise.ts'
import { alreadyExists, conflict, notFound } from './status-error.ts'

export interface WriteOptions {
  /** Validates and answers the write without storing it. */
  dryRun?: boolean
  /** Refuse the write with 507 if it cannot go to disk now. The kubelet's writes wait in memory instead. */
  mustPersist?: boolean
}

export interface DeleteOptions extends WriteOptions {
  uid?: string
  resourceVersion?: string
  gracePeriodSeconds?: number
}

export const FOREGROUND = 'foregroundDeletion'

export class ObjectStore {
  readonly #objects = new Map<string, Stored>()
  readonly #events = new EventEmitter<{ event: [StoredEvent] }>()
  readonly #history: History
  readonly #journal: Journal
  readonly #clock: Clock
  readonly #undelivered: StoredEvent[] = []
  #delivering = false
  #version: number

  constructor(journal: Journal, clock: Clock) {
    this.#journal = journal
    this.#clock = clock
    this.#events.setMaxListeners(0)
    const { objects, version } = journal.load()
    for (const object of objects) this.#objects.set(keyOfObject(object), object)
    this.#version = version
    this.#history = new History(version)
  }

  get version(): number {
    return this.#version
  }

  list(resource: Resource, namespace?: string): Stored[] {
    const prefix = `${resource.plural}/${namespace === undefined ? '' : `${namespace}/`}`
    const keys = [...this.#objects.keys()].filter((key) => key.startsWith(prefix)).sort()
    return keys.map((key) => this.#objects.get(key) as Stored)
  }

  find(resource: Resource, namespace: string | undefined, name: string): Stored | undefined {
    return this.#objects.get(keyOf(resource, namespace, name))
  }

  /** @throws StatusError 404 */
  get(resource: Resource, namespace: string | undefined, name: string): Stored {
    const found = this.find(resource, namespace, name)
    if (found) return found
    throw notFound(resource, name)
  }

  /** @throws StatusError 409 AlreadyExists, 422 */
  create(resource: Resource, namespace: string | undefined, given: Stored, options: WriteOptions = {}): Stored {
    const object = withCreateDefaults(resource, namespace, given, this.#clock.nowMs())
    if (this.find(resource, namespace, object.metadata.name)) throw alreadyExists(resource, object.metadata.name)
    return this.#put(resource, admit(resource, object), undefined, options)
  }

  /**
   * Replaces the object (or its status alone). The identity stays; a changed spec increments the generation.
   * @throws StatusError 409 when `next` has a resourceVersion or uid other than the current one, 422
   */
  update(resource: Resource, current: Stored, next: Stored, part: Part, options: WriteOptions = {}): Stored {
    checkPreconditions(resource, current, next)
    const revised = revise(resource, current, next, part)
    if (part === 'status') admitStatus(resource, revised)
    const checked = part === 'status' ? revised : admit(resource, revised, current)
    if (sameContent(checked, current)) return current
    if (changesSpec(checked, current)) checked.metadata.generation = (current.metadata.generation ?? 1) + 1
    if (part === 'object' && mayBeRemoved(resource, checked)) return this.#remove(resource, checked, options)
    return this.#put(resource, checked, current, options)
  }

  /** Removes the object, or marks it as being deleted. The kubelet ends a marked pod and deletes it with grace period 0. */
  delete(resource: Resource, current: Stored, options: DeleteOptions = {}): Stored {
    checkDeletion(resource, current, options)
    const graceSeconds = isRunningPod(resource, current) ? (options.gracePeriodSeconds ?? graceOf(current)) : 0
    if (graceSeconds === 0 && !current.metadata.finalizers?.length) return this.#remove(resource, current, options)
    const { deletionTimestamp, deletionGracePeriodSeconds = 0, generation = 1 } = current.metadata
    if (deletionTimestamp && graceSeconds >= deletionGracePeriodSeconds) return current
    const marked = clone(current)
    if (!deletionTimestamp) marked.metadata.generation = generation + 1
    marked.metadata.deletionTimestamp ??= timestamp(this.#clock.nowMs())
    marked.metadata.deletionGracePeriodSeconds = graceSeconds
    return this.#put(resource, marked, current, options)
  }

  /** Calls `on` for each event after `version`. @throws StatusError 410 when that version is too old */
  watch(version: number, on: (event: StoredEvent) => void): () => void {
    for (const event of this.#history.after(version)) on(event)
    return this.subscribe(on)
  }

  /** Calls `on` for each event from now on. */
  subscribe(on: (event: StoredEvent) => void): () => void {
    this.#events.on('event', on)
    return () => this.#events.off('event', on)
  }

  #put(resource: Resource, object: Stored, before: Stored | undefined, { dryRun, mustPersist }: WriteOptions): Stored {
    if (dryRun) return object
    const version = this.#version + 1
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } }
    this.#journal.put(keyOfObject(stored), stored, version, mustPersist)
    this.#version = version
    this.#objects.set(keyOfObject(stored), stored)
    const type = before ? 'MODIFIED' : 'ADDED'
    this.#publish({ type, plural: resource.plural, object: stored, version, ...(before ? { before } : {}) })
    return stored
  }

  #remove(resource: Resource, object: Stored, { dryRun, mustPersist }: WriteOptions): Stored {
    if (dryRun) return object
    const version = this.#version + 1
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } }
    const before = this.#objects.get(keyOfObject(object)) ?? object
    this.#journal.remove(keyOfObject(object), version, mustPersist)
    this.#version = version
    this.#objects.delete(keyOfObject(object))
    this.#publish({ type: 'DELETED', plural: resource.plural, object: last, before, version })
    return last
  }

  /** Delivers one event at a time. An event of a listener's own write waits, so each listener sees versions in order. */
  #publish(event: StoredEvent): void {
    this.#history.add(event)
    this.#undelivered.push(event)
    if (this.#delivering) return
    this.#delivering = true
    try {
      for (let next = this.#undelivered.shift(); next; next = this.#undelivered.shift())
        this.#events.emit('event', next)
    } finally {
      this.#delivering = false
    }
  }
}

function checkDeletion(resource: Resource, { metadata }: Stored, options: DeleteOptions): void {
  const differs = (what: string, given: string | undefined, stored: string) => {
    if (given === undefined || given === stored) return
    const why = `Precondition failed: ${what} in precondition: ${given}, ${what} in object meta: ${stored}`
    throw conflict(resource, metadata.name, why)
  }
  differs('UID', options.uid, metadata.uid)
  differs('ResourceVersion', options.resourceVersion, metadata.resourceVersion)
}

/** The object is being deleted and no finalizer is left. */
function mayBeRemoved(resource: Resource, { metadata, ...object }: Stored): boolean {
  if (!metadata.deletionTimestamp || metadata.finalizers?.length) return false
  return metadata.deletionGracePeriodSeconds === 0 || !isRunningPod(resource, { metadata, ...object } as Stored)
}

/** The pod is bound to a node and has not ended, so its processes get the grace period. */
function isRunningPod(resource: Resource, object: Stored): boolean {
  return resource.kind === 'Pod' && object.spec?.nodeName !== undefined && !hasEnded(object)
}

export function graceOf(pod: Stored): number {
  return Number(pod.spec?.terminationGracePeriodSeconds ?? 30)
}

function keyOf(resource: Resource, namespace: string | undefined, name: string): string {
  return namespace === undefined ? `${resource.plural}/${name}` : `${resource.plural}/${namespace}/${name}`
}

function keyOfObject(object: Stored): string {
  return keyOf(resourceOfKind(object.kind), object.metadata.namespace, object.metadata.name)
}
