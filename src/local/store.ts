/**
 * The objects, one counter of versions, and a bounded past for watches. Every rule of the API server that is about one
 * object (uids, conflicts, generations, finalizers, graceful deletion of pods) is here; HTTP is not.
 */
import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import type { Clock } from '../support/clock.ts'
import { admit } from './admission.ts'
import type { Journal } from './journal.ts'
import { clone, type Meta, type Stored, type StoredEvent } from './objects.ts'
import { apiVersionOf, RESOURCES, type Resource } from './resources.ts'
import { alreadyExists, badRequest, conflict, expired, notFound } from './status-error.ts'

const HISTORY = 20_000

export interface DeleteOptions {
  uid?: string
  resourceVersion?: string
  gracePeriodSeconds?: number
}

export class ObjectStore {
  readonly #objects = new Map<string, Stored>()
  readonly #events = new EventEmitter<{ event: [StoredEvent] }>()
  readonly #journal: Journal
  readonly #clock: Clock
  #history: StoredEvent[] = []
  #version: number

  constructor(journal: Journal, clock: Clock) {
    this.#journal = journal
    this.#clock = clock
    this.#events.setMaxListeners(0)
    const { objects, version } = journal.load()
    for (const object of objects) this.#objects.set(keyOfObject(object), object)
    this.#version = version
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

  get(resource: Resource, namespace: string | undefined, name: string): Stored {
    return this.find(resource, namespace, name) ?? fail(notFound(resource, name))
  }

  create(resource: Resource, namespace: string | undefined, given: Stored): Stored {
    const meta = { ...given.metadata }
    if (!meta.name && meta.generateName) meta.name = meta.generateName + randomUUID().slice(0, 5)
    if (!meta.name) throw badRequest('name or generateName is required')
    if (this.find(resource, namespace, meta.name)) throw alreadyExists(resource, meta.name)
    const { status, ...rest } = clone(given)
    const object: Stored = {
      ...rest,
      ...(status && !resource.status ? { status } : {}),
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      metadata: {
        ...meta,
        ...(namespace === undefined ? {} : { namespace }),
        uid: randomUUID(),
        creationTimestamp: this.#timestamp(),
        generation: 1,
      } as Meta,
    }
    return this.#put(resource, admit(resource, object), 'ADDED')
  }

  /**
   * Replaces the object (or its status alone). Immutable metadata stays; generation rises with the spec.
   * @throws StatusError 409 when `next` carries a resourceVersion that is not the current one
   */
  update(resource: Resource, current: Stored, next: Stored, part: 'object' | 'status'): Stored {
    const { name, resourceVersion } = current.metadata
    const claimed = next.metadata?.resourceVersion
    if (claimed && claimed !== resourceVersion) {
      throw conflict(
        resource,
        name,
        'the object has been modified; please apply your changes to the latest version and try again',
      )
    }
    if (next.metadata?.uid && next.metadata.uid !== current.metadata.uid)
      throw conflict(resource, name, 'the UID in the precondition does not match')
    const merged = part === 'status' ? withStatus(current, next) : withoutStatus(resource, current, next)
    const checked = part === 'status' ? merged : admit(resource, merged, current)
    if (sameContent(checked, current)) return current
    if (JSON.stringify(checked.spec) !== JSON.stringify(current.spec)) {
      checked.metadata.generation = (current.metadata.generation ?? 1) + 1
    }
    const done = checked.metadata.deletionTimestamp && !checked.metadata.finalizers?.length && resource.kind !== 'Pod'
    return done ? this.remove(resource, checked) : this.#put(resource, checked, 'MODIFIED')
  }

  /** Marks or removes. A pod with a grace period is only marked: the kubelet ends it and removes it. */
  delete(resource: Resource, current: Stored, options: DeleteOptions): Stored {
    const { name, uid, resourceVersion, finalizers } = current.metadata
    if (options.uid && options.uid !== uid)
      throw conflict(
        resource,
        name,
        `the UID in the precondition (${options.uid}) does not match the UID in record (${uid})`,
      )
    if (options.resourceVersion && options.resourceVersion !== resourceVersion)
      throw conflict(resource, name, 'the resourceVersion in the precondition does not match')
    const graceSeconds = resource.kind === 'Pod' ? (options.gracePeriodSeconds ?? graceOf(current)) : 0
    const ended = ['Succeeded', 'Failed'].includes(String(current.status?.phase))
    const running = resource.kind === 'Pod' && current.spec?.nodeName !== undefined && graceSeconds > 0 && !ended
    if (!running && !finalizers?.length) return this.remove(resource, current)
    if (current.metadata.deletionTimestamp && graceSeconds >= (current.metadata.deletionGracePeriodSeconds ?? 0))
      return current
    const marked = clone(current)
    marked.metadata.deletionTimestamp ??= this.#timestamp()
    marked.metadata.deletionGracePeriodSeconds = graceSeconds
    return this.#put(resource, marked, 'MODIFIED')
  }

  remove(resource: Resource, object: Stored): Stored {
    const last = clone(object)
    last.metadata.resourceVersion = String(++this.#version)
    this.#objects.delete(keyOfObject(object))
    this.#journal.remove(keyOfObject(object), this.#version)
    this.#publish({ type: 'DELETED', plural: resource.plural, object: last, version: this.#version })
    return last
  }

  /** Calls `on` for every event after `version`. @throws StatusError 410 when that is too long ago */
  watch(version: number, on: (event: StoredEvent) => void): () => void {
    const oldest = this.#history[0]?.version ?? this.#version + 1
    if (version < oldest - 1 && version !== this.#version)
      throw expired(`too old resource version: ${version} (${oldest})`)
    for (const event of this.#history.filter((past) => past.version > version)) on(event)
    return this.subscribe(on)
  }

  /** Calls `on` for every event from now on. */
  subscribe(on: (event: StoredEvent) => void): () => void {
    this.#events.on('event', on)
    return () => this.#events.off('event', on)
  }

  #put(resource: Resource, object: Stored, type: 'ADDED' | 'MODIFIED'): Stored {
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } }
    this.#objects.set(keyOfObject(stored), stored)
    this.#journal.put(keyOfObject(stored), stored, this.#version)
    this.#publish({ type, plural: resource.plural, object: stored, version: this.#version })
    return stored
  }

  #publish(event: StoredEvent): void {
    this.#history.push(event)
    if (this.#history.length > 2 * HISTORY) this.#history = this.#history.slice(-HISTORY)
    this.#events.emit('event', event)
  }

  #timestamp(): string {
    return new Date(this.#clock.nowMs()).toISOString().replace(/\.\d+Z$/, 'Z')
  }
}

function withStatus(current: Stored, next: Stored): Stored {
  const { status: _before, ...rest } = current
  return clone({ ...rest, ...(next.status === undefined ? {} : { status: next.status }) }) as Stored
}

function withoutStatus(resource: Resource, current: Stored, next: Stored): Stored {
  const {
    uid,
    creationTimestamp,
    generation,
    deletionTimestamp,
    deletionGracePeriodSeconds,
    resourceVersion,
    name,
    namespace,
  } = current.metadata
  const kept = {
    uid,
    creationTimestamp,
    generation,
    deletionTimestamp,
    deletionGracePeriodSeconds,
    resourceVersion,
    name,
    namespace,
  }
  const given = clone(next)
  const status = resource.status ? current.status : given.status
  const { status: _given, ...rest } = given
  const metadata = {
    ...given.metadata,
    ...Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined)),
  }
  return {
    ...rest,
    apiVersion: current.apiVersion,
    kind: current.kind,
    metadata: metadata as Meta,
    ...(status ? { status } : {}),
  }
}

function sameContent(a: Stored, b: Stored): boolean {
  return JSON.stringify(canonical(a)) === JSON.stringify(canonical(b))
}

/** Keys in one order, so that two writings of one object are equal. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, v]) => v !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => [k, canonical(v)]),
  )
}

function graceOf(pod: Stored): number {
  return Number(pod.spec?.terminationGracePeriodSeconds ?? 30)
}

export function keyOf(resource: Resource, namespace: string | undefined, name: string): string {
  return namespace === undefined ? `${resource.plural}/${name}` : `${resource.plural}/${namespace}/${name}`
}

function keyOfObject(object: Stored): string {
  const resource = RESOURCES.find(({ kind }) => kind === object.kind) as Resource
  return keyOf(resource, object.metadata.namespace, object.metadata.name)
}

function fail(error: Error): never {
  throw error
}
