/** Converts a Kubernetes pod into the facts that policies read. */
import { ANNOTATIONS, LABELS, ROLES, type Role } from '../contract/names.ts'
import { controllerUid } from '../kube/objects.ts'
import { KUEUE_FINALIZER, RETRIABLE_ANNOTATION } from '../plan/kueue.ts'
import { isCutOff, readContainers } from './containers.ts'
import type { PodFacts } from './observed.ts'
import { conditionOf, END_NOW_SECONDS, type PodCondition, type RawPod, timeMs } from './raw-pod.ts'

const GATED = 'SchedulingGated'

/** Cached: a stored pod never changes in place, and each change of one pod reads all fifty pods of its job. */
const known = new WeakMap<RawPod, PodFacts | undefined>()

/** Undefined: the labels do not name a role and an index. */
export function podFacts(pod: RawPod): PodFacts | undefined {
  if (!known.has(pod)) known.set(pod, readFacts(pod))
  return known.get(pod)
}

/** The pod is starting or runs, and reports no problem. */
export function isStartingNormally(pod: RawPod): boolean {
  const facts = podFacts(pod)
  if (!facts || facts.deleting || facts.disruption || facts.reason !== undefined) return false
  if (facts.phase === 'Running') return facts.ready
  return facts.phase === 'Pending' && facts.unschedulable === undefined
}

function readFacts(pod: RawPod): PodFacts | undefined {
  const { labels = {}, annotations = {} } = pod.metadata
  const role = labels[LABELS.role] as Role
  const index = wholeNumber(labels[LABELS.index])
  if (!ROLES.includes(role) || index === undefined) return undefined
  const containers = readContainers(pod, role)
  const placed = conditionOf(pod, 'PodScheduled')
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
    podIP: pod.status?.podIP,
    deleting: pod.metadata.deletionTimestamp !== undefined,
    createdAtMs: timeMs(pod.metadata.creationTimestamp) ?? 0,
    ...containers,
    finishedAtMs: containers.finishedAtMs ?? timeMs(conditionOf(pod, 'DisruptionTarget')?.lastTransitionTime),
    isEnding: pod.spec?.activeDeadlineSeconds === END_NOW_SECONDS,
    disruptionMessage: conditionOf(pod, 'DisruptionTarget')?.message,
    nodeName: pod.spec?.nodeName,
    endDueAtMs: timeMs(pod.metadata.deletionTimestamp),
    silentSinceMs: silentSinceMs(pod),
    isPlaced: pod.spec?.nodeName !== undefined || placed?.status === 'True',
    placedAtMs: placed?.status === 'True' ? timeMs(placed.lastTransitionTime) : undefined,
    isGated: (pod.spec?.schedulingGates?.length ?? 0) > 0 || schedulingTrouble(pod)?.reason === GATED,
    ...kueueFacts(pod),
    unschedulable: unschedulableText(pod),
  }
}

function silentSinceMs(pod: RawPod): number | undefined {
  if (pod.status?.phase !== 'Unknown' && !isCutOff(pod)) return undefined
  return timeMs(conditionOf(pod, 'Ready')?.lastTransitionTime) ?? timeMs(pod.metadata.creationTimestamp)
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
