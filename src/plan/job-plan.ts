/** Converts a job into the objects that must exist for it. Pure: it calls no API. */
import { createHash } from 'node:crypto'
import type { Job } from '../api/job.ts'
import { LABELS, ROLES, type Role, serviceName } from '../contract/names.ts'
import { PORTS, type RuntimeConfig } from '../contract/runtime.ts'
import { isFields } from '../support/fields.ts'
import { podGroupOf } from './gang.ts'
import { jobLabels, ownerReference } from './identity.ts'
import { type PodIncarnation, podIdsOf, podOf } from './pod.ts'
import { desiredOf } from './replicas.ts'
import { runtimeConfig } from './runtime-config.ts'
import type { PlannedPod, PlannedPodGroup, PlannedService, PlanOptions } from './types.ts'
import { mountsOf } from './volumes.ts'

export interface JobPlan {
  service: PlannedService
  /** Of a gang; created before its pods. */
  podGroup: PlannedPodGroup | undefined
  desired: Readonly<Record<Role, number>>
  pod(role: Role, index: number, incarnation: PodIncarnation): PlannedPod
  runtimeConfig: RuntimeConfig
  /** Digest of everything that pods are created from: it differs if the spec has changed since. */
  hash: string
}

/**
 * @throws DownpourError BUG_NO_SOURCE when a FinetuneJob that starts from a checkpoint has none pinned in its status.
 */
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
 * One headless Service a job. Addresses are published before readiness, because workers wait for their servers
 * themselves. It selects only parameter servers: no one looks workers up, and the start of fifty workers would rewrite
 * the EndpointSlice about thirty times and send it to every node.
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

/** Excludes the number of pods: scaling creates or deletes pods and changes none that exist. */
function planHash(job: Job, config: RuntimeConfig, options: PlanOptions): string {
  const { parameterServer, workers, evaluator, runtime, scheduling } = job.spec
  const templates = [parameterServer.template, workers.template, evaluator.template]
  const claims = ROLES.map((role) => mountsOf(job, role).volumes)
  const { topology: _topology, init: wanted, ...others } = config
  // The digest of a checkpoint on a volume is known after the pods are created.
  const init = wanted.type === 'folder' ? { type: wanted.type, path: wanted.path } : wanted
  const training = { ...others, init }
  const image = runtime.image ?? options.defaultImage
  // Only when it is not the default, so that an upgrade of the operator changes no hash.
  const platformIds = podIdsOf(job, options) === 'platform' ? ['platform'] : []
  return createHash('sha256')
    .update(canonicalJson([training, templates, claims, image, scheduling, ...platformIds]))
    .digest('hex')
    .slice(0, 16)
}

/** Sorts keys: the same spec with fields in another order is the same job. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, field) =>
    isFields(field) ? Object.fromEntries(Object.entries(field).sort(([a], [b]) => (a < b ? -1 : 1))) : field,
  )
}
