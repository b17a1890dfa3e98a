/** Objects as the store holds them. */
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
  ownerReferences?: { uid: string; kind: string; name: string; controller?: boolean }[]
  generateName?: string
  managedFields?: unknown[]
}

export interface Stored {
  apiVersion: string
  kind: string
  metadata: Meta
  spec?: Record<string, unknown>
  status?: Record<string, unknown>
  [field: string]: unknown
}

export type StoredEvent = { type: 'ADDED' | 'MODIFIED' | 'DELETED'; plural: string; object: Stored; version: number }

export function clone<T>(value: T): T {
  return structuredClone(value)
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
