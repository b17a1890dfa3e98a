/** Columns of `kubectl get pods`, by the rules of Kubernetes' printer; also for pods with sidecars and init containers. */
import { hasEnded, type Stored } from '../store/objects.ts'

interface ContainerStatus {
  ready?: boolean
  started?: boolean
  restartCount?: number
  state?: {
    waiting?: { reason?: string }
    running?: object
    terminated?: { reason?: string; exitCode?: number }
  }
}

const listAt = (pod: Stored, field: string) => (pod.status?.[field] ?? []) as ContainerStatus[]
const containersOf = (pod: Stored) => listAt(pod, 'containerStatuses')

export function readyContainers(pod: Stored): string {
  const planned = (pod.spec?.containers as unknown[] | undefined)?.length ?? 1
  const statuses = containersOf(pod)
  return `${statuses.filter(({ ready }) => ready).length}/${Math.max(planned, statuses.length)}`
}

export function restartsOfContainers(pod: Stored): number {
  return containersOf(pod).reduce((sum, { restartCount = 0 }) => sum + restartCount, 0)
}

/** @example 'Init:ImagePullBackOff', 'Init:0/2', 'NotReady' for a pod whose sidecar alone runs */
export function podStatus(pod: Stored): string {
  if (pod.metadata.deletionTimestamp) return 'Terminating'
  const phase = String(pod.status?.reason ?? pod.status?.phase ?? '')
  return (hasEnded(pod) ? undefined : initStatus(pod)) ?? mainStatus(pod, phase)
}

function initStatus(pod: Stored): string | undefined {
  const statuses = listAt(pod, 'initContainerStatuses')
  const at = statuses.findIndex(
    ({ state, started }) => state?.terminated?.exitCode !== 0 && !(started && state?.running),
  )
  const { waiting, terminated } = statuses[at]?.state ?? {}
  if (at < 0) return undefined
  if (terminated) return `Init:${terminated.reason ?? `ExitCode:${terminated.exitCode}`}`
  return waiting?.reason && waiting.reason !== 'PodInitializing'
    ? `Init:${waiting.reason}`
    : `Init:${at}/${statuses.length}`
}

/** Shows the reason of the first waiting or ended container. A pod is NotReady if others run on after it completed. */
function mainStatus(pod: Stored, phase: string): string {
  const statuses = containersOf(pod)
  const reasons = statuses.flatMap(({ state }) => state?.waiting?.reason ?? state?.terminated?.reason ?? [])
  const reason = reasons[0] ?? phase
  const isAlive = statuses.some(({ ready, state }) => ready && state?.running)
  return reason === 'Completed' && isAlive ? 'NotReady' : reason
}
