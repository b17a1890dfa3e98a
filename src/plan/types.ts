/** The Kubernetes objects that a plan holds, with the fields that it writes. */
import type { Job } from '../api/job.ts'
import type { OwnerReference } from '../support/object-meta.ts'

export interface PlanOptions {
  /** Image of pods whose job sets none. */
  defaultImage: string
  /** For pods whose job does not set it; default fixed. */
  podIds?: Job['spec']['runtime']['podIds']
  /** Adds the annotations by which some configurations of Prometheus find pods. */
  scrapeAnnotations?: boolean
}

interface PlannedMeta {
  name: string
  namespace: string
  labels: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences: Required<OwnerReference>[]
}

export interface PlannedService {
  apiVersion: 'v1'
  kind: 'Service'
  metadata: PlannedMeta
  spec: Record<string, unknown>
}

/** Of Volcano or coscheduling, by `apiVersion`. */
export interface PlannedPodGroup {
  apiVersion: string
  kind: 'PodGroup'
  metadata: PlannedMeta
  spec: Record<string, unknown>
}

export type EnvVar = { name: string; value?: string | undefined; valueFrom?: unknown }
export type Volume = { name: string } & Record<string, unknown>
export type VolumeMount = { name: string; mountPath: string; readOnly?: boolean | undefined }

export interface Container {
  name: string
  image: string
  args: string[]
  env: EnvVar[]
  ports: { name: string; containerPort: number }[]
  resources?: Record<string, unknown>
  volumeMounts: VolumeMount[]
  securityContext: Record<string, unknown>
  readinessProbe?: Record<string, unknown>
}

export interface PlannedPod {
  apiVersion: 'v1'
  kind: 'Pod'
  metadata: PlannedMeta
  spec: { containers: Container[]; volumes: Volume[] } & Record<string, unknown>
}
