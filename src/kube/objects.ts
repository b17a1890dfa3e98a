/** Kubernetes objects as untyped JSON: the library's typed clients silently drop fields that they do not know. */
import type { ObjectMeta } from '../support/object-meta.ts'

export interface KubeObject {
  apiVersion?: string
  kind?: string
  metadata: ObjectMeta
}

/** A kind of object, in one namespace or (absent) in all of them; `plural` is the name in the path: `pods`. */
export interface Collection {
  apiVersion: string
  plural: string
  namespace?: string | undefined
}

export interface Ref extends Collection {
  name: string
  subresource?: 'status' | 'scale' | 'eviction'
}

/**
 * @example resourcePath({ apiVersion: 'v1', plural: 'pods', namespace: 'a', name: 'b' }) ===
 * '/api/v1/namespaces/a/pods/b'
 */
export function resourcePath(where: Collection & Partial<Ref>): string {
  const root = where.apiVersion.includes('/') ? 'apis' : 'api'
  const parts = [root, ...where.apiVersion.split('/')]
  if (where.namespace !== undefined) parts.push('namespaces', where.namespace)
  parts.push(where.plural)
  if (where.name !== undefined) parts.push(where.name)
  if (where.subresource !== undefined) parts.push(where.subresource)
  return `/${parts.map(encodeURIComponent).join('/')}`
}

/** @example objectKey(pod) === 'default/jft-pj-ps-0'; cluster-scoped objects have just their name */
export function objectKey(object: KubeObject): string {
  const { namespace, name } = object.metadata
  return namespace === undefined ? name : `${namespace}/${name}`
}

/** Inverse of objectKey; a key without a slash is of a cluster-scoped object. */
export function parseKey(key: string): { namespace: string | undefined; name: string } {
  const slash = key.indexOf('/')
  return slash < 0
    ? { namespace: undefined, name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

export function controllerUid(object: KubeObject): string | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller)?.uid
}

/**
 * Compares resourceVersions: negative when `a` is older. They are decimal numbers that may pass 2^53, hence no
 * Number(). A version that is not a number cannot be ordered and counts as equal.
 */
export function compareVersions(a: string, b: string): number {
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return 0
  const difference = BigInt(a) - BigInt(b)
  return difference === 0n ? 0 : difference < 0n ? -1 : 1
}
