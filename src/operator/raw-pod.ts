/** A pod as the API server sends it, and the part that the store keeps. */
import { ANNOTATIONS, LABELS } from '../contract/names.ts'
import type { KubeObject } from '../kube/objects.ts'
import { RETRIABLE_ANNOTATION } from '../plan/kueue.ts'
import { pickKeys } from '../support/fields.ts'

export interface Terminated {
  exitCode?: number | undefined
  reason?: string | undefined
  message?: string | undefined
  startedAt?: string | undefined
  finishedAt?: string | undefined
}

export interface ContainerState {
  waiting?: { reason?: string | undefined; message?: string | undefined } | undefined
  running?: { startedAt?: string | undefined } | undefined
  terminated?: Terminated | undefined
}

export interface ContainerStatus {
  name?: string
  ready?: boolean | undefined
  state?: ContainerState | undefined
  /** State of the container before its last restart. */
  lastState?: ContainerState | undefined
}

export interface PodCondition {
  type: string
  status: string
  reason?: string | undefined
  message?: string | undefined
  lastTransitionTime?: string | undefined
}

export interface RawPod extends KubeObject {
  spec?: {
    nodeName?: string
    schedulingGates?: unknown[]
    activeDeadlineSeconds?: number
    [field: string]: unknown
  }
  status?: {
    phase?: string
    reason?: string
    message?: string
    podIP?: string
    startTime?: string
    conditions?: PodCondition[]
    initContainerStatuses?: ContainerStatus[]
    containerStatuses?: ContainerStatus[]
  }
}

/**
 * A deadline, counted from the start of the pod, that has already passed: the kubelet then ends the remaining
 * containers. It is the only way that keeps the pod with its logs and exit codes.
 */
export const END_NOW_SECONDS = 1

const KEPT_LABELS: readonly string[] = Object.values(LABELS)
const KEPT_CONDITIONS: readonly string[] = ['Ready', 'PodScheduled', 'DisruptionTarget']
const KEPT_ANNOTATIONS: readonly string[] = [ANNOTATIONS.planHash, ANNOTATIONS.failures, RETRIABLE_ANNOTATION]

/** Drops all fields that the operator does not read: with thousands of pods they would be most of its memory. */
export function trimPod(pod: RawPod): RawPod {
  const { name, namespace, uid, resourceVersion, ownerReferences } = pod.metadata
  const { creationTimestamp, deletionTimestamp, finalizers } = pod.metadata
  const labels = pickKeys(pod.metadata.labels, KEPT_LABELS)
  const annotations = pickKeys(pod.metadata.annotations, KEPT_ANNOTATIONS)
  const metadata = { name, namespace, uid, resourceVersion, labels, annotations, ownerReferences }
  const spec = withoutNulls(trimSpec(pod.spec ?? {}))
  return withoutNulls({
    apiVersion: pod.apiVersion,
    kind: pod.kind,
    metadata: { ...metadata, creationTimestamp, deletionTimestamp, finalizers },
    ...(Object.keys(spec).length > 0 && { spec }),
    status: trimStatus(pod.status ?? {}),
  }) as RawPod
}

function trimSpec({ nodeName, schedulingGates, activeDeadlineSeconds }: NonNullable<RawPod['spec']>) {
  return { nodeName: nodeName || undefined, ...(schedulingGates?.length && { schedulingGates }), activeDeadlineSeconds }
}

function trimStatus(status: NonNullable<RawPod['status']>) {
  const { phase, reason, message, podIP, startTime, conditions } = status
  return {
    phase,
    reason,
    message,
    podIP,
    startTime,
    conditions: conditions?.filter(({ type }) => KEPT_CONDITIONS.includes(type)).map(trimCondition),
    initContainerStatuses: status.initContainerStatuses?.map(trimContainer),
    containerStatuses: status.containerStatuses?.map(trimContainer),
  }
}

function trimContainer({ name, ready, state, lastState }: ContainerStatus) {
  const before = lastState?.terminated && { terminated: lastState.terminated }
  return { name, ready, state, lastState: before }
}

function trimCondition({ type, status, reason, message, lastTransitionTime }: PodCondition) {
  return { type, status, reason, message, lastTransitionTime }
}

/** Removes nulls: Go writes an unknown time as null, and virtual kubelets write other fields so too. */
function withoutNulls<T>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutNulls) as T
  if (typeof value !== 'object' || value === null) return value
  const present = Object.entries(value).filter(([, one]) => one !== undefined && one !== null)
  return Object.fromEntries(present.map(([key, one]) => [key, withoutNulls(one)])) as T
}

export function conditionOf(pod: RawPod, type: string): PodCondition | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type)
}

/** @returns undefined for text that is not a time, and for 1970, which containerd reports for an unknown start */
export function timeMs(text: string | undefined): number | undefined {
  const time = text === undefined ? Number.NaN : Date.parse(text)
  return time > 0 ? time : undefined
}
