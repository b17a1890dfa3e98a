/** Objects in the store. Never change a stored object in place, because events and pages of lists share it. */
import { isFields } from '../../support/fields.ts'
export interface OwnerReference {
  uid: string
  kind: string
  name: string
  controller?: boolean
}

/** An entry of metadata.managedFields: the fields that one manager of server-side apply owns. */
export interface ManagedFields {
  manager: string
  operation: 'Apply' | 'Update'
  apiVersion: string
  time?: string
  fieldsType: 'FieldsV1'
  fieldsV1: Record<string, unknown>
  subresource?: string
}

export interface Meta {
  name: string
  namespace?: string
  uid: string
  resourceVersion: string
  generation?: number
  creationTimestamp: string
  deletionTimestamp?: string
  deletionGracePeriodSeconds?: number
  finalizers?: string[]
  labels?: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: OwnerReference[]
  generateName?: string
  managedFields?: ManagedFields[]
}

export interface Stored {
  apiVersion: string
  kind: string
  metadata: Meta
  spec?: Record<string, unknown>
  status?: Record<string, unknown>
  [field: string]: unknown
}

export interface StoredEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  plural: string
  object: Stored
  /** The object before the write. A watch whose selector matched it, but not the new object, gets DELETED. */
  before?: Stored
  version: number
}

export function clone<T>(value: T): T {
  return structuredClone(value)
}

export function sameContent(a: unknown, b: unknown): boolean {
  return JSON.stringify(canonical(a)) === JSON.stringify(canonical(b))
}

/** Sorts keys, so that equal objects have equal JSON. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical)
  if (!isFields(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, v]) => v !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => [k, canonical(v)]),
  )
}

/** All containers of the pod have ended. */
export function hasEnded({ status }: Stored): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed'
}

/** RFC 3339 with whole seconds, as `metav1.Time`. */
export function timestamp(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z')
}
