/** The pod statuses that a kubelet writes, from Pending to Succeeded or Failed. */
import { clone, type Stored, sameContent } from '../store/objects.ts'
import { containerOf } from './container.ts'
import type { PodExit } from './pod-process.ts'

interface Condition {
  type: string
  status: 'True' | 'False'
  lastTransitionTime: string
  reason?: string
  message?: string
}

interface ContainerStatus {
  ready: boolean
  state: { running?: { startedAt: string }; terminated?: object; waiting?: object }
}

export type PodStatus = Record<string, unknown>

export function unschedulable(pod: Stored, message: string, now: string): PodStatus {
  const scheduled = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message } as const
  return withConditions(pod, { phase: 'Pending' }, [scheduled], now)
}

export function running(pod: Stored, podIP: string, ready: boolean, now: string): PodStatus {
  const containerStatuses = [{ ...containerFacts(pod), started: true, ready, state: { running: { startedAt: now } } }]
  const status = { phase: 'Running', podIP, podIPs: [{ ip: podIP }], startTime: now, containerStatuses }
  return withConditions(pod, status, conditionsFor(ready, 'ContainersNotReady'), now)
}

export function withReadiness(pod: Stored, ready: boolean, now: string): PodStatus {
  const containerStatuses = [{ ...containerStatusOf(pod), ready }]
  return withConditions(pod, { containerStatuses }, conditionsFor(ready, 'ContainersNotReady'), now)
}

/** @param disruption reason and message if the pod was ended from outside, which is not its own failure */
export function ended(
  pod: Stored,
  exit: PodExit,
  now: string,
  disruption?: { reason: string; message: string },
): PodStatus {
  const { exitCode, message } = exit
  const startedAt = containerStatusOf(pod)?.state.running?.startedAt
  const reason = exit.reason ?? (exitCode === 0 ? 'Completed' : 'Error')
  const terminated = { exitCode, reason, message, ...(startedAt ? { startedAt } : {}), finishedAt: now }
  const succeeded = exitCode === 0
  const status = {
    phase: succeeded ? 'Succeeded' : 'Failed',
    ...(succeeded ? {} : disruption),
    containerStatuses: [{ ...containerFacts(pod), ready: false, state: { terminated } }],
  }
  return withConditions(pod, status, conditionsFor(false, succeeded ? 'PodCompleted' : 'PodFailed'), now)
}

/** For a pod that ran, or was about to start, when the kubelet died. */
export function lost(pod: Stored, now: string): PodStatus {
  const status = { phase: 'Failed', reason: 'NodeLost', message: 'the process that ran this pod was killed' }
  return withConditions(pod, status, conditionsFor(false, 'PodFailed'), now)
}

function conditionsFor(ready: boolean, reason: string): Omit<Condition, 'lastTransitionTime'>[] {
  const status = ready ? 'True' : 'False'
  const why = ready ? {} : { reason }
  return [
    { type: 'PodScheduled', status: 'True' },
    { type: 'Initialized', status: 'True' },
    { type: 'ContainersReady', status, ...why },
    { type: 'Ready', status, ...why },
  ]
}

/** A condition whose status did not change keeps its transition time. */
function withConditions(pod: Stored, status: PodStatus, wanted: Omit<Condition, 'lastTransitionTime'>[], now: string) {
  const before = (pod.status?.conditions ?? []) as Condition[]
  const conditions = wanted.map((condition) => {
    const old = before.find(({ type }) => type === condition.type)
    const lastTransitionTime = old && sameContent(old.status, condition.status) ? old.lastTransitionTime : now
    return { ...condition, lastTransitionTime }
  })
  return { ...clone(pod.status), ...status, conditions }
}

function containerStatusOf(pod: Stored): ContainerStatus | undefined {
  return ((pod.status?.containerStatuses ?? []) as ContainerStatus[])[0]
}

function containerFacts(pod: Stored) {
  const { name, image } = containerOf(pod)
  return { name: name ?? 'main', image: image ?? '', imageID: '', restartCount: 0 }
}
