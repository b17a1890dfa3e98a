import { errorCode, errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import { type KubeObject, objectKey } from './objects.ts'
import { type Indexer, ObjectStore } from './store.ts'

export interface Change<T extends KubeObject = KubeObject> {
  type: 'added' | 'modified' | 'deleted'
  /** The current object, or for a deletion its last state. */
  object: T
}

export interface IntakeOptions<T extends KubeObject> {
  log: Log
  /**
   * Called for every change, also with the keys that the object had before. If it throws, the error is logged and
   * counted.
   */
  onKey: (key: string, change: Change<T>) => void | Promise<void>
  /**
   * The keys that a change affects; default: that of the object. A pod maps to its job: `keysOf: (pod) =>
   * [jobKey(pod)]`.
   */
  keysOf?: ((object: T) => readonly string[]) | undefined
  /** Removes unused fields before the object is stored. */
  trim?: ((object: T) => T) | undefined
  indexers?: Readonly<Record<string, Indexer<T>>> | undefined
}

/** Stores objects and calls the change handler. An error of the handler does not stop it. */
export class Intake<T extends KubeObject> {
  readonly store: ObjectStore<T>
  readonly #options: IntakeOptions<T>
  /** Errors and rejections of handlers. */
  handlerErrors = 0
  /** Objects that were older than the stored ones. */
  staleObjects = 0

  constructor(options: IntakeOptions<T>) {
    this.#options = options
    this.store = new ObjectStore<T>(options.indexers)
  }

  /** New or changed. */
  changed(object: T): void {
    this.#guard(() => this.#keep(this.#options.trim ? this.#options.trim(object) : object, false))
  }

  deleted(object: T): void {
    this.#guard(() => {
      const removed = this.store.remove(object)
      if (removed) this.#notify(removed, 'deleted')
      else this.staleObjects++
    })
  }

  /**
   * A full list, already trimmed: objects that are not in it are deleted. With `reset`, its objects replace newer
   * stored ones.
   */
  listed(items: readonly T[], reset: boolean): void {
    const keys = new Set(items.map(objectKey))
    for (const object of this.store.list()) if (!keys.has(objectKey(object))) this.deleted(object)
    for (const object of items) this.#guard(() => this.#keep(object, reset))
  }

  #keep(object: T, reset: boolean): void {
    const replaced = reset ? this.store.remove(this.store.get(objectKey(object)) ?? object) : undefined
    const outcome = this.store.put(object)
    if (!outcome.stored) {
      this.staleObjects++
      return
    }
    const previous = outcome.previous ?? replaced
    if (previous && previous.metadata.uid === object.metadata.uid) {
      if (previous.metadata.resourceVersion !== object.metadata.resourceVersion) this.#notifyBoth(previous, object)
      return
    }
    // Same name, other uid: the object was deleted and created again between two lists. Handlers get both changes.
    if (previous) this.#notify(previous, 'deleted')
    this.#notify(object, 'added')
  }

  /** Calls the handler once for each key, also for keys that only the previous version had. */
  #notifyBoth(previous: T, object: T): void {
    const keys = new Set([...this.#keysOf(previous), ...this.#keysOf(object)])
    for (const key of keys) this.#call(key, 'modified', object)
  }

  #notify(object: T, type: Change['type']): void {
    for (const key of this.#keysOf(object)) this.#call(key, type, object)
  }

  #keysOf(object: T): readonly string[] {
    return this.#options.keysOf ? this.#options.keysOf(object) : [objectKey(object)]
  }

  #call(key: string, type: Change['type'], object: T): void {
    this.#guard(() => this.#options.onKey(key, { type, object }))
  }

  /** Runs a handler and contains its errors, synchronous or not. */
  #guard(call: () => void | Promise<void>): void {
    const record = (error: unknown) => {
      this.handlerErrors++
      this.#options.log.error({ code: errorCode(error), error: errorMessage(error) }, 'change handler failed')
    }
    try {
      Promise.resolve(call()).catch(record)
    } catch (error) {
      record(error)
    }
  }
}
