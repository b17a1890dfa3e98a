/**
 * Reads the state of a pod from its main container, which is named after the role. The pod's own phase also
 * depends on containers that webhooks add: proxies that never end, and init containers that may fail before the main
 * one starts.
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
/** Reasons that every container has for a while when it starts. */
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

/** A pod is Pending until every sidecar's image is pulled, even while its main container runs. */
function runningIn(podPhase: PodPhase): PodPhase {
  return podPhase === 'Unknown' ? 'Unknown' : 'Running'
}

/**
 * The end of the main container. Later events of the pod, such as the deadline that ends its sidecars, do not count.
 */
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

/** Whether a deadline that the cluster's policy set on the pod ended it; the operator sets its own only afterwards. */
function wasOverdue({ spec = {}, status = {} }: RawPod, { finishedAt }: Terminated): boolean {
  const { activeDeadlineSeconds: seconds } = spec
  if (status.reason !== 'DeadlineExceeded' || seconds === undefined || seconds === END_NOW_SECONDS) return false
  const [startedAtMs, endedAtMs] = [timeMs(status.startTime), timeMs(finishedAt)]
  return startedAtMs === undefined || endedAtMs === undefined || endedAtMs >= startedAtMs + seconds * 1000
}

type FailedInit = ContainerStatus & { end: Terminated }

/**
 * The init container that failed first: the kubelet then ends native sidecars, which report exit codes of their own.
 */
function failedInit(statuses: readonly ContainerStatus[] = []): FailedInit | undefined {
  const failed = statuses.flatMap((one) =>
    one.state?.terminated?.exitCode ? [{ ...one, end: one.state.terminated }] : [],
  )
  const endedAtMs = ({ end }: FailedInit) => timeMs(end.finishedAt) ?? Number.MAX_VALUE
  return failed.toSorted((a, b) => endedAtMs(a) - endedAtMs(b))[0]
}

/** The main container never started, so the pod has no start time. */
function initEnd(pod: RawPod, { name, end }: FailedInit) {
  const { exitCode, reason, message, finishedAt } = end
  const failedContainer = `init container "${name}"`
  const disruption = disruptionOf(pod, end)
  const ended = { startedAtMs: undefined, finishedAtMs: timeMs(finishedAt) }
  return { exitCode, reason, terminationMessage: message, failedContainer, disruption, ...ended }
}

/** Readiness of the main container, because a proxy may become ready later; without its status, that of the pod. */
function isReady(pod: RawPod, own: ContainerStatus | undefined): boolean {
  if (isCutOff(pod)) return false
  return own?.ready ?? conditionOf(pod, 'Ready')?.status !== 'False'
}

/**
 * Whether the control plane has set the pod to not ready because its node is unreachable: the kubelet's last report
 * still says that every container is ready.
 */
export function isCutOff({ status = {} }: RawPod): boolean {
  const { containerStatuses = [], conditions } = status
  const ready = conditions?.find(({ type }) => type === 'Ready')
  if (status.phase !== 'Running' || ready?.status !== 'False') return false
  return !ready.reason && containerStatuses.length > 0 && containerStatuses.every((one) => one.ready === true)
}

/** Why the main container does not start, or another container does not work. */
function troubleOf(
  { initContainerStatuses = [], containerStatuses = [] }: NonNullable<RawPod['status']>,
  own: ContainerStatus | undefined,
): Trouble | undefined {
  const ownTrouble = own && troubleIn(own)
  if (ownTrouble) return ownTrouble
  const others = [
    // A failed init container fails the pod or is restarted, so only waiting ones are reported.
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
