/** A job → everything it wants to exist, as data. Builds, never calls. */
import { createHash } from 'node:crypto'
import type { Job } from '../api/job.ts'
import { LABELS, ROLES, type Role, serviceName } from '../contract/names.ts'
import { PORTS, type RuntimeConfig } from '../contract/runtime.ts'
import { podGroupOf } from './gang.ts'
import { jobLabels, ownerReference } from './identity.ts'
import { type PodIncarnation, podIdsOf, podOf } from './pod.ts'
import { desiredOf } from './replicas.ts'
import { runtimeConfig } from './runtime-config.ts'
import type { PlannedPod, PlannedPodGroup, PlannedService, PlanOptions } from './types.ts'
import { mountsOf } from './volumes.ts'

export interface JobPlan {
  service: PlannedService
  /** Of a gang, to be made before its pods. */
  podGroup: PlannedPodGroup | undefined
  desired: Readonly<Record<Role, number>>
  pod(role: Role, index: number, incarnation: PodIncarnation): PlannedPod
  runtimeConfig: RuntimeConfig
  /** Digest of all that pods are made from: another one means the spec has changed since they were made. */
  hash: string
}

/** @throws DownpourError BUG_NO_SOURCE when a FinetuneJob that starts from a checkpoint has none pinned in its status. */
export function planJob(job: Job, options: PlanOptions): JobPlan {
  const config = runtimeConfig(job)
  const context = { job, config, options }
  return {
    service: serviceOf(job),
    podGroup: podGroupOf(job),
    desired: desiredOf(job),
    pod: (role, index, incarnation) => podOf(context, role, index, incarnation),
    runtimeConfig: config,
    hash: planHash(job, config, options),
  }
}

/**
 * Headless, one a job; addresses are published before readiness, because workers wait for their servers themselves.
 * Parameter servers alone have names in it: fifty workers that start would have the list of them all written thirty
 * times, and told to every node, and nobody looks a worker up.
 */
function serviceOf(job: Job): PlannedService {
  const name = serviceName(job.kind, job.metadata.name)
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name,
      namespace: job.metadata.namespace,
      labels: jobLabels(job),
      ownerReferences: [ownerReference(job)],
    },
    spec: {
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      selector: { [LABELS.jobUid]: job.metadata.uid, [LABELS.role]: 'ps' },
      ports: [
        { name: 'wire', port: PORTS.wire, targetPort: 'wire' },
        { name: 'http', port: PORTS.http, targetPort: 'http' },
      ],
    },
  }
}

/** The number of pods is left out: scaling makes or removes pods and changes none that are there. */
function planHash(job: Job, config: RuntimeConfig, options: PlanOptions): string {
  const { parameterServer, workers, evaluator, runtime, scheduling } = job.spec
  const templates = [parameterServer.template, workers.template, evaluator.template]
  const claims = ROLES.map((role) => mountsOf(job, role).volumes)
  const { topology: _topology, ...training } = config
  const image = runtime.image ?? options.defaultImage
  // Only where it is not as it always was: an upgrade changes no plan.
  const platformIds = podIdsOf(job, options) === 'platform' ? ['platform'] : []
  return createHash('sha256')
    .update(canonicalJson([training, templates, claims, image, scheduling, ...platformIds]))
    .digest('hex')
    .slice(0, 16)
}

/** Keys in order: what a user wrote in another order is the same job. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, field) =>
    typeof field === 'object' && field !== null && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).sort(([a], [b]) => (a < b ? -1 : 1)))
      : field,
  )
}
