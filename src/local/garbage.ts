/** Deletes what was owned by something that is gone, as kube-controller-manager does. */
import type { Stored } from './objects.ts'
import { RESOURCES } from './resources.ts'
import type { ObjectStore } from './store.ts'

/** @returns a function that stops the collector */
export function collectGarbage(store: ObjectStore): () => void {
  for (const object of orphans(store, allUids(store))) remove(store, object)
  return store.subscribe(({ type, object }) => {
    if (type !== 'DELETED') return
    for (const orphan of dependents(store, object.metadata.uid)) remove(store, orphan)
  })
}

function allObjects(store: ObjectStore): Stored[] {
  return RESOURCES.flatMap((resource) => store.list(resource))
}

function allUids(store: ObjectStore): Set<string> {
  return new Set(allObjects(store).map(({ metadata }) => metadata.uid))
}

function orphans(store: ObjectStore, alive: ReadonlySet<string>): Stored[] {
  return allObjects(store).filter(
    ({ metadata }) => metadata.ownerReferences?.length && metadata.ownerReferences.every(({ uid }) => !alive.has(uid)),
  )
}

function dependents(store: ObjectStore, ownerUid: string): Stored[] {
  return allObjects(store).filter(
    ({ metadata }) => metadata.ownerReferences?.length && metadata.ownerReferences.every(({ uid }) => uid === ownerUid),
  )
}

function remove(store: ObjectStore, object: Stored): void {
  const resource = RESOURCES.find(({ kind }) => kind === object.kind)
  const current = resource && store.find(resource, object.metadata.namespace, object.metadata.name)
  if (resource && current && current.metadata.uid === object.metadata.uid) store.delete(resource, current, {})
}
