/**
 * Gang scheduling: all parameter servers and a quorum of workers start together or not at all. With fewer pods the job
 * cannot train; further workers only make it faster, so the gang does not wait for them, nor for the evaluator.
 */
import type { Job } from '../api/job.ts'
import { jobPrefix, type Role } from '../contract/names.ts'
import { jobLabels, ownerReference } from './identity.ts'
import type { PlannedPodGroup } from './types.ts'

type Gang = 'volcano' | 'coscheduling'

const SCHEDULERS: Readonly<Record<Gang, string>> = {
  volcano: 'volcano',
  coscheduling: 'scheduler-plugins-scheduler',
}

export function gangOf({ spec }: Pick<Job, 'spec'>): Gang | undefined {
  const gang = spec.scheduling?.gang
  return gang === 'none' ? undefined : gang
}

export function schedulerOf(job: Pick<Job, 'spec'>): string | undefined {
  const gang = gangOf(job)
  return job.spec.scheduling?.schedulerName ?? (gang && SCHEDULERS[gang])
}

/** Labels and annotations by which a gang scheduler finds the group of a pod, and its task in the group. */
export function gangMetadata(job: Job, role: Role) {
  const gang = role === 'evaluator' ? undefined : gangOf(job)
  const name = groupName(job)
  switch (gang) {
    case 'volcano':
      return { labels: {}, annotations: { 'scheduling.k8s.io/group-name': name, 'volcano.sh/task-spec': role } }
    case 'coscheduling':
      return { labels: { 'scheduling.x-k8s.io/pod-group': name }, annotations: {} }
    default:
      return { labels: {}, annotations: {} }
  }
}

export function podGroupOf(job: Job): PlannedPodGroup | undefined {
  const gang = gangOf(job)
  if (gang === undefined) return undefined
  const metadata = {
    name: groupName(job),
    namespace: job.metadata.namespace,
    labels: jobLabels(job),
    ownerReferences: [ownerReference(job)],
  }
  const spec = gang === 'volcano' ? volcanoSpec(job) : { minMember: minMember(job) }
  return { apiVersion: API_VERSIONS[gang], kind: 'PodGroup', metadata, spec }
}

const API_VERSIONS: Readonly<Record<Gang, string>> = {
  volcano: 'scheduling.volcano.sh/v1beta1',
  coscheduling: 'scheduling.x-k8s.io/v1alpha1',
}

function volcanoSpec(job: Job): Record<string, unknown> {
  const { queueName: queue, priorityClassName } = job.spec.scheduling ?? {}
  return {
    minMember: minMember(job),
    minTaskMember: { ps: job.spec.parameterServer.replicas, worker: quorumOf(job) },
    ...(queue ? { queue } : {}),
    ...(priorityClassName ? { priorityClassName } : {}),
  }
}

function minMember(job: Job): number {
  return job.spec.parameterServer.replicas + quorumOf(job)
}

function quorumOf({ spec }: Job): number {
  return spec.workers.quorum ?? 1
}

function groupName({ kind, metadata }: Job): string {
  return jobPrefix(kind, metadata.name)
}
