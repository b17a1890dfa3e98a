/** A pod as the API server tells it -> the facts that policies read. */
import { ANNOTATIONS, LABELS, ROLES, type Role } from '../contract/names.ts'
import { controllerUid, type KubeObject } from '../kube/objects.ts'
import { KUEUE_FINALIZER, RETRIABLE_ANNOTATION } from '../plan/kueue.ts'
import type { PodFacts, PodPhase } from './observed.ts'

interface Terminated {
  exitCode?: number
  reason?: string
  message?: string
  startedAt?: string
  finishedAt?: string
}

interface ContainerState {
  waiting?: { reason?: string; message?: string }
  running?: { startedAt?: string }
  terminated?: Terminated
}

interface PodCondition {
  type: string
  status: string
  reason?: string | undefined
  message?: string | undefined
  lastTransitionTime?: string | undefined
}

export interface RawPod extends KubeObject {
  spec?: { nodeName?: string; [field: string]: unknown }
  status?: {
    phase?: string
    reason?: string
    message?: string
    podIP?: string
    startTime?: string
    conditions?: PodCondition[]
    containerStatuses?: { state?: ContainerState }[]
  }
}

const KEPT_LABELS: readonly string[] = Object.values(LABELS)
const KEPT_CONDITIONS: readonly string[] = ['Ready', 'PodScheduled', 'DisruptionTarget']
const KEPT_ANNOTATIONS: readonly string[] = [ANNOTATIONS.planHash, ANNOTATIONS.failures, RETRIABLE_ANNOTATION]
const GATED = 'SchedulingGated'
const PHASES: readonly string[] = ['Pending', 'Running', 'Succeeded', 'Failed']
/** Ordinary steps on the way up. */
const QUIET_WAITING = new Set(['ContainerCreating', 'PodInitializing'])
/** Reasons of a pod's end that are the cluster's doing; `OutOfcpu` and its like are refusals of a kubelet. */
const DISRUPTION =
  /^(Evicted|Preempting|Preempted|NodeLost|NodeShutdown|Shutdown|Terminated|NodeAffinity|UnexpectedAdmissionError|OutOf\w+)$/

/** Drops what nobody reads: with thousands of pods the rest is most of the memory. */
export function trimPod(pod: RawPod): RawPod {
  const { name, namespace, uid, resourceVersion, ownerReferences } = pod.metadata
  const { creationTimestamp, deletionTimestamp, finalizers } = pod.metadata
  const labels = pickKeys(pod.metadata.labels, KEPT_LABELS)
  const annotations = pickKeys(pod.metadata.annotations, KEPT_ANNOTATIONS)
  const metadata = { name, namespace, uid, resourceVersion, labels, annotations, ownerReferences, creationTimestamp }
  const { phase, reason, message, podIP, startTime, conditions, containerStatuses } = pod.status ?? {}
  const kept = conditions?.filter(({ type }) => KEPT_CONDITIONS.includes(type)).map(trimCondition)
  const states = containerStatuses?.map(({ state }) => ({ state }))
  const status = { phase, reason, message, podIP, startTime, conditions: kept, containerStatuses: states }
  return defined({
    apiVersion: pod.apiVersion,
    kind: pod.kind,
    metadata: defined({ ...metadata, deletionTimestamp, finalizers }),
    ...(pod.spec?.nodeName && { spec: { nodeName: pod.spec.nodeName } }),
    status: defined(status),
  }) as RawPod
}

function trimCondition({ type, status, reason, message, lastTransitionTime }: PodCondition): PodCondition {
  return defined({ type, status, reason, message, lastTransitionTime })
}

function pickKeys(from: Record<string, string> | undefined, keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(from ?? {}).filter(([key]) => keys.includes(key)))
}

function defined<T extends object>(facts: T): T {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as T
}

/** A pod in a store never changes, and is looked at again for every change of its fifty neighbours. */
const known = new WeakMap<RawPod, PodFacts | undefined>()

/** Undefined: labels do not say which place of which job it fills. */
export function podFacts(pod: RawPod): PodFacts | undefined {
  if (!known.has(pod)) known.set(pod, readFacts(pod))
  return known.get(pod)
}

/** It waits its turn or works, and nothing is told that anybody could mend. */
export function isGrowing(pod: RawPod): boolean {
  const facts = podFacts(pod)
  if (!facts || facts.deleting || facts.disruption) return false
  if (facts.phase === 'Running') return facts.ready
  return facts.phase === 'Pending' && facts.reason === undefined && facts.unschedulable === undefined
}

function readFacts(pod: RawPod): PodFacts | undefined {
  const { labels = {}, annotations = {} } = pod.metadata
  const role = labels[LABELS.role] as Role
  const index = wholeNumber(labels[LABELS.index])
  if (!ROLES.includes(role) || index === undefined) return undefined
  const { status = {} } = pod
  const state = status.containerStatuses?.[0]?.state
  const terminated = state?.terminated
  const waiting = state?.waiting && !QUIET_WAITING.has(state.waiting.reason ?? '') ? state.waiting : undefined
  return {
    name: pod.metadata.name,
    uid: pod.metadata.uid ?? '',
    ownerUid: controllerUid(pod),
    role,
    index,
    attempt: wholeNumber(labels[LABELS.attempt]) ?? 0,
    failures: wholeNumber(annotations[ANNOTATIONS.failures]) ?? 0,
    generation: wholeNumber(labels[LABELS.generation]) ?? 0,
    planHash: annotations[ANNOTATIONS.planHash],
    phase: (PHASES.includes(status.phase ?? '') ? status.phase : 'Unknown') as PodPhase,
    ready: conditionOf(pod, 'Ready')?.status !== 'False',
    podIP: status.podIP,
    deleting: pod.metadata.deletionTimestamp !== undefined,
    createdAtMs: timeMs(pod.metadata.creationTimestamp) ?? 0,
    startedAtMs: timeMs(terminated?.startedAt ?? state?.running?.startedAt ?? status.startTime),
    finishedAtMs: timeMs(terminated?.finishedAt ?? conditionOf(pod, 'DisruptionTarget')?.lastTransitionTime),
    exitCode: terminated?.exitCode,
    reason: status.reason ?? terminated?.reason ?? waiting?.reason,
    message: status.message ?? waiting?.message,
    lastWords: terminated?.message,
    disruption: disruptionOf(pod),
    isPlaced: pod.spec?.nodeName !== undefined || conditionOf(pod, 'PodScheduled')?.status === 'True',
    isGated: schedulingTrouble(pod)?.reason === GATED,
    ...kueueFacts(pod),
    unschedulable: unschedulableText(pod),
  }
}

function conditionOf(pod: RawPod, type: string): PodCondition | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type)
}

function disruptionOf(pod: RawPod): string | undefined {
  const target = conditionOf(pod, 'DisruptionTarget')
  if (target?.status === 'True') return target.reason || 'Disrupted'
  const reason = pod.status?.reason
  return reason !== undefined && DISRUPTION.test(reason) ? reason : undefined
}

function unschedulableText(pod: RawPod): string | undefined {
  const trouble = schedulingTrouble(pod)
  if (!trouble || trouble.reason === GATED) return undefined
  return trouble.message || trouble.reason || 'no node found'
}

function schedulingTrouble(pod: RawPod): PodCondition | undefined {
  const scheduled = conditionOf(pod, 'PodScheduled')
  return pod.status?.phase === 'Pending' && scheduled?.status === 'False' ? scheduled : undefined
}

function kueueFacts({ metadata: { finalizers = [], annotations } }: RawPod) {
  return {
    finalizers,
    isHeld: finalizers.includes(KUEUE_FINALIZER),
    isLast: annotations?.[RETRIABLE_ANNOTATION] === 'false',
  }
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

function timeMs(text: string | undefined): number | undefined {
  const time = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(time) ? undefined : time
}
