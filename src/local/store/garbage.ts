/** Deletes objects whose owners are gone, as the garbage collector of kube-controller-manager does. */
import type { Stored } from './objects.ts'
import { RESOURCES, resourceOfKind } from './resources.ts'
import { FOREGROUND, type ObjectStore } from './store.ts'

/** @returns a function that stops the collector */
export function collectGarbage(store: ObjectStore): () => void {
  for (const object of orphans(store)) remove(store, object)
  return store.subscribe(({ type, object }) => {
    if (type === 'DELETED') {
      for (const dependent of dependentsOf(store, object.metadata.uid)) removeUnlessOwned(store, dependent)
      for (const { uid } of object.metadata.ownerReferences ?? []) finishForeground(store, uid)
    } else if (object.metadata.deletionTimestamp && object.metadata.finalizers?.includes(FOREGROUND)) {
      for (const dependent of dependentsOf(store, object.metadata.uid)) remove(store, dependent)
      finishForeground(store, object.metadata.uid)
    }
  })
}

export function dependentsOf(store: ObjectStore, ownerUid: string): Stored[] {
  return allObjects(store).filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === ownerUid))
}

function allObjects(store: ObjectStore): Stored[] {
  return RESOURCES.flatMap((resource) => store.list(resource))
}

function orphans(store: ObjectStore): Stored[] {
  const all = allObjects(store)
  const alive = new Set(all.map(({ metadata }) => metadata.uid))
  return all.filter(
    ({ metadata }) => metadata.ownerReferences?.length && metadata.ownerReferences.every(({ uid }) => !alive.has(uid)),
  )
}

/** Keeps an object while one of its owners exists. */
function removeUnlessOwned(store: ObjectStore, dependent: Stored): void {
  const owners = dependent.metadata.ownerReferences ?? []
  const alive = new Set(owners.length > 1 ? allObjects(store).map(({ metadata }) => metadata.uid) : [])
  if (!owners.some(({ uid }) => alive.has(uid))) remove(store, dependent)
}

/** Removes the foreground finalizer of an owner once its last dependent is gone. */
function finishForeground(store: ObjectStore, ownerUid: string): void {
  const owner = allObjects(store).find(
    ({ metadata }) =>
      metadata.uid === ownerUid && metadata.deletionTimestamp && metadata.finalizers?.includes(FOREGROUND),
  )
  if (!owner || dependentsOf(store, ownerUid).length > 0) return
  const finalizers = owner.metadata.finalizers?.filter((one) => one !== FOREGROUND) ?? []
  store.update(resourceOfKind(owner.kind), owner, { ...owner, metadata: { ...owner.metadata, finalizers } }, 'object')
}

function remove(store: ObjectStore, object: Stored): void {
  const resource = resourceOfKind(object.kind)
  const current = store.find(resource, object.metadata.namespace, object.metadata.name)
  if (current && current.metadata.uid === object.metadata.uid) store.delete(resource, current)
}
