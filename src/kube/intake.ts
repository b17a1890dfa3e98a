import { errorCode, errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import { type KubeObject, objectKey } from './objects.ts'
import { type Indexer, ObjectStore } from './store.ts'

export interface Change<T extends KubeObject = KubeObject> {
  type: 'added' | 'modified' | 'deleted'
  /** As it is now, or was last. */
  object: T
}

export interface IntakeOptions<T extends KubeObject> {
  log: Log
  /** Called for every change, also with the keys that the object had before it. May throw: logged and counted. */
  onKey: (key: string, change: Change<T>) => void | Promise<void>
  /** Whose keys a change is about; default the object itself. A pod maps to its job: `keysOf: (pod) => [jobKey(pod)]`. */
  keysOf?: ((object: T) => readonly string[]) | undefined
  /** Drops what nobody reads before the object is kept. */
  trim?: ((object: T) => T) | undefined
  indexers?: Readonly<Record<string, Indexer<T>>> | undefined
}

/** Takes objects into the store and tells whoever cares. No code of theirs can stop it. */
export class Intake<T extends KubeObject> {
  readonly store: ObjectStore<T>
  readonly #options: IntakeOptions<T>
  /** Throws and rejections of handlers. */
  handlerErrors = 0
  /** Objects that were older than what the store already had. */
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
      if (removed) this.#tell(removed, 'deleted')
      else this.staleObjects++
    })
  }

  /** A full list, trimmed already: what is not in it is gone. With `reset` it is the truth even where it is older than what we have. */
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
      if (previous.metadata.resourceVersion !== object.metadata.resourceVersion) this.#tellBoth(previous, object)
      return
    }
    // Same name, other uid: it was deleted and made again while we did not look. Readers see both.
    if (previous) this.#tell(previous, 'deleted')
    this.#tell(object, 'added')
  }

  /** Each key once, also where the object had it before only. */
  #tellBoth(previous: T, object: T): void {
    const keys = new Set([...this.#keysOf(previous), ...this.#keysOf(object)])
    for (const key of keys) this.#call(key, 'modified', object)
  }

  #tell(object: T, type: Change['type']): void {
    for (const key of this.#keysOf(object)) this.#call(key, type, object)
  }

  #keysOf(object: T): readonly string[] {
    return this.#options.keysOf ? this.#options.keysOf(object) : [objectKey(object)]
  }

  #call(key: string, type: Change['type'], object: T): void {
    this.#guard(() => this.#options.onKey(key, { type, object }))
  }

  /** Runs other people's code: what it throws, now or later, ends here. */
  #guard(call: () => void | Promise<void>): void {
    const note = (error: unknown) => {
      this.handlerErrors++
      this.#options.log.error({ code: errorCode(error), error: errorMessage(error) }, 'change handler failed')
    }
    try {
      Promise.resolve(call()).catch(note)
    } catch (error) {
      note(error)
    }
  }
}
