/**
 * Builds a pod: one container with a restricted security context. Arguments name its role and index, one variable holds
 * the job.
 */
import type { Job } from '../api/job.ts'
import type { PodTemplate } from '../api/pod-template.ts'
import { propagatedOf } from '../api/propagate.ts'
import { unitsIn } from '../api/quantities.ts'
import { isGpu } from '../contract/gpu.ts'
import { LABELS, podName, type Role, serviceName } from '../contract/names.ts'
import { ARGS, ENV, PORTS, type RuntimeConfig, TENSORFLOW_THREADS } from '../contract/runtime.ts'
import { avoidNodes } from './avoid-nodes.ts'
import { gangMetadata, schedulerOf } from './gang.ts'
import { jobLabels, ownerReference } from './identity.ts'
import { kueueMetadata } from './kueue.ts'
import { desiredOf } from './replicas.ts'
import { tolerationsOf } from './tolerations.ts'
import type { Container, EnvVar, PlannedPod, PlanOptions } from './types.ts'
import { mountsOf } from './volumes.ts'

/** What differs between the pods that a place has one after another. */
export interface PodIncarnation {
  attempt: number
  generation: number
  annotations?: Record<string, string>
  /** Nodes that the pod is placed on only if there is no other. */
  avoid?: readonly string[]
}

export interface PodContext {
  job: Job
  config: RuntimeConfig
  options: PlanOptions
}

const VERBS: Readonly<Record<Role, string>> = { ps: 'ps', worker: 'worker', evaluator: 'evaluator' }
/** A parameter server saves a checkpoint on SIGTERM; workers only return their leases. */
const GRACE_SECONDS: Readonly<Record<Role, number>> = { ps: 60, worker: 30, evaluator: 30 }
const NON_ROOT = 65_532
const FIXED_IDS = { runAsUser: NON_ROOT, runAsGroup: NON_ROOT, fsGroup: NON_ROOT }
const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container'
/** No part of the plan's hash: a job keeps its pods when an operator begins to write them. */
const SCRAPE_ANNOTATIONS = {
  'prometheus.io/scrape': 'true',
  'prometheus.io/port': String(PORTS.http),
  'prometheus.io/path': '/metrics',
  'prometheus.io/scheme': 'http',
}

export function podOf(context: PodContext, role: Role, index: number, incarnation: PodIncarnation): PlannedPod {
  const { job } = context
  const template = templateOf(job, role)
  const name = podName(job.kind, job.metadata.name, role, index)
  const { volumes } = mountsOf(job, role)
  const placement = placementMetadata(job, role)
  const propagated = propagatedOf(job)
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: job.metadata.namespace,
      labels: {
        ...propagated.labels,
        ...template?.labels,
        ...placement.labels,
        ...jobLabels(job),
        ...podLabels(role, index, incarnation),
      },
      annotations: {
        // kubectl logs and exec then use this container, even if a webhook inserts another before it.
        [DEFAULT_CONTAINER]: role,
        ...(context.options.scrapeAnnotations && SCRAPE_ANNOTATIONS),
        ...propagated.annotations,
        ...template?.annotations,
        ...placement.annotations,
        ...incarnation.annotations,
      },
      ownerReferences: [ownerReference(job)],
    },
    spec: {
      restartPolicy: 'Never',
      // Only parameter servers are looked up by name.
      ...(role === 'ps' && { hostname: name, subdomain: serviceName(job.kind, job.metadata.name) }),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: template?.terminationGracePeriodSeconds ?? GRACE_SECONDS[role],
      securityContext: {
        runAsNonRoot: true,
        ...(podIdsOf(job, context.options) === 'fixed' && FIXED_IDS),
        seccompProfile: { type: 'RuntimeDefault' },
        ...template?.securityContext,
      },
      ...schedulingOf(job, role, incarnation.avoid),
      containers: [containerOf(context, role, index, incarnation)],
      volumes: [...volumes, ...((template?.volumes ?? []) as PlannedPod['spec']['volumes'])],
    },
  }
}

/** OpenShift assigns a range of ids to the namespace and refuses pods with other ids. */
export function podIdsOf({ spec }: Job, { podIds = 'fixed' }: PlanOptions) {
  return spec.runtime.podIds ?? podIds
}

export function templateOf(job: Job, role: Role) {
  const { parameterServer, workers, evaluator } = job.spec
  return { ps: parameterServer, worker: workers, evaluator }[role].template
}

function podLabels(role: Role, index: number, { attempt, generation }: PodIncarnation): Record<string, string> {
  return {
    [LABELS.role]: role,
    [LABELS.index]: String(index),
    [LABELS.attempt]: String(attempt),
    [LABELS.generation]: String(generation),
  }
}

/** Labels and annotations for Kueue and for gang schedulers. */
function placementMetadata(job: Job, role: Role) {
  const desired = desiredOf(job)
  const kueue = kueueMetadata(job, desired.ps + desired.worker + desired.evaluator)
  const gang = gangMetadata(job, role)
  return {
    labels: { ...kueue.labels, ...gang.labels },
    annotations: { ...kueue.annotations, ...gang.annotations },
  }
}

function schedulingOf(job: Job, role: Role, avoid: readonly string[] = []): Record<string, unknown> {
  const template = templateOf(job, role)
  const fields = {
    nodeSelector: template?.nodeSelector,
    tolerations: template && tolerationsOf(template),
    affinity: avoidNodes(template?.affinity, avoid),
    topologySpreadConstraints: template?.topologySpreadConstraints,
    serviceAccountName: template?.serviceAccountName,
    priorityClassName: job.spec.scheduling?.priorityClassName,
    schedulerName: schedulerOf(job),
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function containerOf(
  { job, config, options }: PodContext,
  role: Role,
  index: number,
  incarnation: PodIncarnation,
): Container {
  const template = templateOf(job, role)
  const { mounts } = mountsOf(job, role)
  return {
    name: role,
    image: job.spec.runtime.image ?? options.defaultImage,
    args: [VERBS[role], ARGS.index, String(index), ARGS.attempt, String(incarnation.attempt)],
    env: [...(template?.env ?? []), ...environment(config), ...computing(template)],
    ports: [
      ...(role === 'ps' ? [{ name: 'wire', containerPort: PORTS.wire }] : []),
      { name: 'http', containerPort: PORTS.http },
    ],
    ...(template?.resources ? { resources: template.resources } : {}),
    volumeMounts: [...mounts, ...(template?.volumeMounts ?? [])],
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    ...(role === 'ps' ? { readinessProbe: { httpGet: { path: '/readyz', port: 'http' }, periodSeconds: 2 } } : {}),
  }
}

/**
 * Only two variables, because the API server tracks the owner of each variable of each pod; the arguments are one
 * field.
 */
/** What the process cannot see of its own limits: TensorFlow counts the cores of the node. The user's variables win. */
function computing(template: PodTemplate | undefined): EnvVar[] {
  const { requests, limits } = template?.resources ?? {}
  const gpu = Object.keys({ ...requests, ...limits }).find(isGpu)
  const threads = limits?.cpu === undefined ? undefined : String(unitsIn(limits.cpu, '1'))
  const own = new Set(template?.env?.map(({ name }) => name))
  const variables = TENSORFLOW_THREADS.map((name) => ({ name, value: threads }))
  return [...variables, { name: ENV.gpu, value: gpu }].flatMap(({ name, value }) =>
    value === undefined || own.has(name) ? [] : [{ name, value }],
  )
}

function environment(config: RuntimeConfig): EnvVar[] {
  return [
    { name: ENV.config, value: JSON.stringify(config) },
    { name: ENV.podUid, valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } },
  ]
}
