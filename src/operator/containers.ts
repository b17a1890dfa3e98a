/**
 * The container that bears the name of the role is the pod. Webhooks add others: proxies that never end, and init
 * containers that may fail before ours has begun. The phase of the pod is made of all of them.
 */
import type { Role } from '../contract/names.ts'
import { disruptionOf } from './disruption.ts'
import type { PodFacts, PodPhase } from './observed.ts'
import { type ContainerStatus, conditionOf, END_NOW_SECONDS, type RawPod, type Terminated, timeMs } from './raw-pod.ts'

type ContainerFacts = Pick<
  PodFacts,
  | 'phase'
  | 'ready'
  | 'outlived'
  | 'othersRun'
  | 'startedAtMs'
  | 'finishedAtMs'
  | 'exitCode'
  | 'reason'
  | 'message'
  | 'terminationMessage'
  | 'failedContainer'
  | 'disruption'
>

interface Trouble {
  reason: string
  message: string | undefined
}

const PHASES: readonly string[] = ['Pending', 'Running', 'Succeeded', 'Failed']
const ENDED: readonly string[] = ['Succeeded', 'Failed']
/** Ordinary steps on the way up. */
const QUIET_WAITING = new Set(['ContainerCreating', 'PodInitializing'])

export function readContainers(pod: RawPod, role: Role): ContainerFacts {
  const { status = {} } = pod
  const podPhase = (PHASES.includes(status.phase ?? '') ? status.phase : 'Unknown') as PodPhase
  const own = status.containerStatuses?.find(({ name }) => name === role)
  const { terminated, running } = own?.state ?? {}
  if (terminated) return ownEnd(pod, podPhase, terminated)
  const { reason, message } = status
  const startedAtMs = timeMs(running?.startedAt ?? status.startTime)
  const disruption = disruptionOf(pod, undefined)
  const alive = { ...NOTHING_ENDED, ready: isReady(pod, own), startedAtMs, reason, message, disruption }
  if (ENDED.includes(podPhase)) {
    const failed = running || podPhase === 'Succeeded' ? undefined : failedInit(status.initContainerStatuses)
    return { ...alive, phase: podPhase, ...(failed && !wasOverdue(pod, failed.end) && initEnd(pod, failed)) }
  }
  const phase = own?.state?.waiting && podPhase === 'Running' ? 'Pending' : running ? runningIn(podPhase) : podPhase
  return { ...alive, phase, ...(reason === undefined && troubleOf(status, own)) }
}

const NOTHING_ENDED = {
  outlived: false,
  othersRun: false,
  finishedAtMs: undefined,
  exitCode: undefined,
  terminationMessage: undefined,
  failedContainer: undefined,
}

/** While the image of a sidecar is fetched, or cannot be, a pod is Pending whose own container runs. */
function runningIn(podPhase: PodPhase): PodPhase {
  return podPhase === 'Unknown' ? 'Unknown' : 'Running'
}

/** What happens to its pod later, such as the deadline by which its sidecars end, is not how it ended. */
function ownEnd(pod: RawPod, podPhase: PodPhase, terminated: Terminated): ContainerFacts {
  const { status = {} } = pod
  const { exitCode, reason, message, startedAt, finishedAt } = terminated
  const disruption = disruptionOf(pod, terminated)
  const endedWithPod = (disruption !== undefined && disruption !== reason) || wasOverdue(pod, terminated)
  const ofPod = endedWithPod ? status : undefined
  return {
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    ready: false,
    outlived: !ENDED.includes(podPhase),
    othersRun: !ENDED.includes(podPhase) && (status.containerStatuses ?? []).some(({ state }) => !state?.terminated),
    startedAtMs: timeMs(startedAt),
    finishedAtMs: timeMs(finishedAt),
    exitCode,
    reason: ofPod?.reason ?? reason,
    message: ofPod ? ofPod.message : disruption && message,
    terminationMessage: message,
    failedContainer: undefined,
    disruption,
  }
}

/** By a deadline that policies of some clusters put on pods; ours is put on a pod that has ended. */
function wasOverdue({ spec = {}, status = {} }: RawPod, { finishedAt }: Terminated): boolean {
  const { activeDeadlineSeconds: seconds } = spec
  if (status.reason !== 'DeadlineExceeded' || seconds === undefined || seconds === END_NOW_SECONDS) return false
  const [startedAtMs, endedAtMs] = [timeMs(status.startTime), timeMs(finishedAt)]
  return startedAtMs === undefined || endedAtMs === undefined || endedAtMs >= startedAtMs + seconds * 1000
}

type FailedInit = ContainerStatus & { end: Terminated }

/** The first: native sidecars are ended after it, with codes of their own. What nobody saw end comes last. */
function failedInit(statuses: readonly ContainerStatus[] = []): FailedInit | undefined {
  const failed = statuses.flatMap((one) =>
    one.state?.terminated?.exitCode ? [{ ...one, end: one.state.terminated }] : [],
  )
  const endedAtMs = ({ end }: FailedInit) => timeMs(end.finishedAt) ?? Number.MAX_VALUE
  return failed.toSorted((a, b) => endedAtMs(a) - endedAtMs(b))[0]
}

/** Our container never began: the pod has not run for any time. */
function initEnd(pod: RawPod, { name, end }: FailedInit) {
  const { exitCode, reason, message, finishedAt } = end
  const failedContainer = `init container "${name}"`
  const disruption = disruptionOf(pod, end)
  const ended = { startedAtMs: undefined, finishedAtMs: timeMs(finishedAt) }
  return { exitCode, reason, terminationMessage: message, failedContainer, disruption, ...ended }
}

/** By our container: a proxy that is not ready yet keeps nobody from it. Without its word, by the whole pod. */
function isReady(pod: RawPod, own: ContainerStatus | undefined): boolean {
  if (isCutOff(pod)) return false
  return own?.ready ?? conditionOf(pod, 'Ready')?.status !== 'False'
}

/**
 * Whether the control plane took the pod's readiness away: a node that is silent leaves the word of its kubelet as it
 * was, that each container is ready.
 */
export function isCutOff({ status = {} }: RawPod): boolean {
  const { containerStatuses = [], conditions } = status
  const ready = conditions?.find(({ type }) => type === 'Ready')
  if (status.phase !== 'Running' || ready?.status !== 'False') return false
  return !ready.reason && containerStatuses.length > 0 && containerStatuses.every((one) => one.ready === true)
}

/** What keeps our container from starting, or another one from doing its part. */
function troubleOf(
  { initContainerStatuses = [], containerStatuses = [] }: NonNullable<RawPod['status']>,
  own: ContainerStatus | undefined,
): Trouble | undefined {
  const ownTrouble = own && troubleIn(own)
  if (ownTrouble) return ownTrouble
  const others = [
    // One that has failed fails the pod, or is started again.
    ...initContainerStatuses.filter(({ state }) => state?.waiting).map((one) => ({ one, what: 'init container' })),
    ...containerStatuses.filter((one) => one !== own).map((one) => ({ one, what: 'container' })),
  ]
  for (const { one, what } of others) {
    const trouble = troubleIn(one)
    if (trouble) return { ...trouble, message: [`${what} "${one.name}"`, trouble.message].filter(Boolean).join(': ') }
  }
  return undefined
}

function troubleIn({ state, lastState }: ContainerStatus): Trouble | undefined {
  const { waiting, terminated } = state ?? {}
  if (terminated?.exitCode) return { reason: terminated.reason ?? 'Error', message: describeEnd(terminated) }
  if (!waiting?.reason || QUIET_WAITING.has(waiting.reason)) return undefined
  const before = lastState?.terminated && describeEnd(lastState.terminated)
  return { reason: waiting.reason, message: [waiting.message, before].filter(Boolean).join('; ') || undefined }
}

function describeEnd({ exitCode, message }: Terminated): string {
  return [`ended with exit code ${exitCode ?? 'unknown'}`, message?.trim().split('\n').at(-1)]
    .filter(Boolean)
    .join(': ')
}
