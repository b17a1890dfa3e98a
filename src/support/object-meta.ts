/** Metadata of a Kubernetes object, as far as this project reads it. */
export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

export interface ObjectMeta {
  name: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: OwnerReference[]
  finalizers?: string[]
  managedFields?: { manager?: string }[]
  creationTimestamp?: string
  deletionTimestamp?: string
}

/** As the API server has stored it. */
export type StoredMeta = ObjectMeta &
  Required<Pick<ObjectMeta, 'namespace' | 'uid' | 'resourceVersion' | 'generation' | 'creationTimestamp'>>
