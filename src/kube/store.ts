import { compareVersions, controllerUid, type KubeObject, objectKey } from './objects.ts'

/** The index values of an object: `byIndex('job', uid)`. */
export type Indexer<T> = (object: T) => readonly string[]

export const indexByOwnerUid: Indexer<KubeObject> = (object) => {
  const uid = controllerUid(object)
  return uid === undefined ? [] : [uid]
}

/** Read access to a reflector's cache. Its objects are shared: copy one before changing it. */
export interface Store<T extends KubeObject> {
  /** @param key `namespace/name` */
  get(key: string): T | undefined
  keys(): string[]
  list(): T[]
  byIndex(index: string, value: string): T[]
  readonly size: number
}

export type PutOutcome<T> = { stored: true; previous: T | undefined } | { stored: false }

/** The latest known object for each namespace and name. An older resourceVersion never replaces a newer one. */
export class ObjectStore<T extends KubeObject> implements Store<T> {
  readonly #objects = new Map<string, T>()
  readonly #indexers: ReadonlyMap<string, Indexer<T>>
  /** index -> value -> keys; holds exactly the keys of #objects. */
  readonly #indexes = new Map<string, Map<string, Set<string>>>()

  constructor(indexers: Readonly<Record<string, Indexer<T>>> = {}) {
    this.#indexers = new Map(Object.entries(indexers))
    for (const index of this.#indexers.keys()) this.#indexes.set(index, new Map())
  }

  get size(): number {
    return this.#objects.size
  }

  get(key: string): T | undefined {
    return this.#objects.get(key)
  }

  keys(): string[] {
    return [...this.#objects.keys()]
  }

  list(): T[] {
    return [...this.#objects.values()]
  }

  byIndex(index: string, value: string): T[] {
    const keys = this.#indexes.get(index)?.get(value) ?? []
    return [...keys].flatMap((key) => this.#objects.get(key) ?? [])
  }

  put(object: T): PutOutcome<T> {
    const key = objectKey(object)
    const previous = this.#objects.get(key)
    if (previous && isOlder(object, previous)) return { stored: false }
    this.#unindex(key, previous)
    this.#objects.set(key, object)
    for (const [index, indexer] of this.#indexers) {
      for (const value of indexer(object)) this.#keysOf(index, value).add(key)
    }
    return { stored: true, previous }
  }

  /** Removes the object under the key of `deleted`, unless it is a later object of the same name. */
  remove(deleted: T): T | undefined {
    const key = objectKey(deleted)
    const stored = this.#objects.get(key)
    if (!stored || (stored.metadata.uid !== deleted.metadata.uid && isOlder(deleted, stored))) return undefined
    this.#unindex(key, stored)
    this.#objects.delete(key)
    return stored
  }

  #keysOf(index: string, value: string): Set<string> {
    const values = this.#indexes.get(index) ?? new Map<string, Set<string>>()
    const keys = values.get(value) ?? new Set<string>()
    values.set(value, keys)
    return keys
  }

  #unindex(key: string, object: T | undefined): void {
    if (!object) return
    for (const [index, indexer] of this.#indexers) {
      for (const value of indexer(object)) {
        const keys = this.#keysOf(index, value)
        keys.delete(key)
        if (keys.size === 0) this.#indexes.get(index)?.delete(value)
      }
    }
  }
}

/** All objects of one resource share one version counter, so objects with different uids can be compared. */
function isOlder(object: KubeObject, than: KubeObject): boolean {
  return compareVersions(object.metadata.resourceVersion ?? '', than.metadata.resourceVersion ?? '') < 0
}

/** Reads several stores as one; no key may be in two of them. */
export function joinStores<T extends KubeObject>(stores: readonly Store<T>[]): Store<T> {
  return {
    get(key) {
      for (const store of stores) {
        const found = store.get(key)
        if (found) return found
      }
      return undefined
    },
    keys: () => stores.flatMap((store) => store.keys()),
    list: () => stores.flatMap((store) => store.list()),
    byIndex: (index, value) => stores.flatMap((store) => store.byIndex(index, value)),
    get size() {
      return stores.reduce((sum, store) => sum + store.size, 0)
    },
  }
}
