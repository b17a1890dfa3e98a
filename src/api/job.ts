import type { JobKind } from '../contract/names.ts'
import type { FinetuneJobSpec } from './finetune-job.ts'
import type { PretrainJobSpec } from './pretrain-job.ts'
import type { JobStatus } from './status.ts'

export interface ObjectMeta {
  name: string
  namespace: string
  uid: string
  generation: number
  resourceVersion: string
  creationTimestamp: string
  deletionTimestamp?: string
  finalizers?: string[]
  labels?: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: {
    apiVersion: string
    kind: string
    name: string
    uid: string
    controller?: boolean
    blockOwnerDeletion?: boolean
  }[]
}

/** A job after parsing: preset applied, defaults filled, types trusted from here on. */
export type Job =
  | { kind: 'PretrainJob'; metadata: ObjectMeta; spec: PretrainJobSpec; status?: JobStatus }
  | { kind: 'FinetuneJob'; metadata: ObjectMeta; spec: FinetuneJobSpec; status?: JobStatus }

export type JobOfKind<K extends JobKind> = Extract<Job, { kind: K }>
