/**
 * Pods on a lost node: no kubelet confirms that they have ended, so their names stay taken. The control plane's
 * conditions on the pods are enough to detect this, so the operator needs no right to read nodes.
 */
import { KUEUE_FINALIZER } from '../../plan/kueue.ts'
import type { Action } from '../actions.ts'
import type { ConditionUpdate } from '../conditions.ts'
import type { PodFacts } from '../observed.ts'
import { shortName } from '../pod-names.ts'
import { isFinished, type World } from '../world.ts'
import { writtenEnding } from './ending.ts'

/** A working kubelet reports the end of a pod within seconds after its grace period. */
const LATE_AFTER_MS = 15_000

export interface LostNodes {
  /** Pods of this job whose end or report is overdue. */
  pods: readonly PodFacts[]
  /** Parameter servers that may still write: their successors must have a new generation. */
  servers: readonly PodFacts[]
  /** Overdue pods of other owners, such as a previous job, that hold names of this job. */
  foreignPods: readonly PodFacts[]
  actions: Action[]
  requeueAtMs?: number
}

interface Candidate {
  pod: PodFacts
  lateAtMs: number
  /** When it is deleted by force; Infinity: never. */
  lostAtMs: number
}

export function findLostNodes(world: World): LostNodes {
  const leavingForeignPods = world.foreignPods.filter(({ deleting }) => deleting)
  const candidates = [...world.pods, ...leavingForeignPods].flatMap((pod) => candidateOf(world, pod) ?? [])
  const isPast = (timeMs: number) => timeMs <= world.nowMs
  const late = candidates.filter(({ lateAtMs }) => isPast(lateAtMs))
  const lost = candidates.filter(({ lostAtMs }) => isPast(lostAtMs))
  const isLeaving = (one: Candidate) => one.pod.deleting && (one.pod.silentSinceMs !== undefined || late.includes(one))
  const servers = candidates.filter((one) => mayWrite(world, one.pod) && (isLeaving(one) || lost.includes(one)))
  // Servers are deleted by force only after the new generation is in the status: after a crash in between, the operator
  // would create one of the old generation.
  const forced = lost.filter((one) => !servers.includes(one))
  const futureTimes = candidates
    .flatMap(({ lateAtMs, lostAtMs }) => [lateAtMs, lostAtMs])
    .filter((time) => !isPast(time))
  const next = Math.min(...futureTimes)
  const latePods = late.map(({ pod }) => pod)
  return {
    pods: latePods.filter((pod) => isOurs(world, pod)),
    foreignPods: latePods.filter((pod) => !isOurs(world, pod)),
    servers: servers.map(({ pod }) => pod),
    actions: forced.map(({ pod: { name, uid } }) => ({ type: 'deletePod', name, uid, force: true })),
    ...(Number.isFinite(next) ? { requeueAtMs: next } : {}),
  }
}

function candidateOf(world: World, pod: PodFacts): Candidate | undefined {
  const sinceMs = silentOrLateSinceMs(pod)
  if (sinceMs === undefined) return undefined
  return { pod, lateAtMs: sinceMs + LATE_AFTER_MS, lostAtMs: lostAtMs(world, pod) }
}

/** Since when its end, or any report of its node, is overdue. */
function silentOrLateSinceMs(pod: PodFacts): number | undefined {
  const { deleting, endDueAtMs, silentSinceMs } = pod
  if (!hadNode(pod) && otherFinalizers(pod).length === 0) return undefined
  if (!deleting) return silentSinceMs
  return Math.min(endDueAtMs ?? Number.POSITIVE_INFINITY, silentSinceMs ?? Number.POSITIVE_INFINITY)
}

/** A pod in phase Pending may still have no node. */
function hadNode({ isPlaced, phase }: PodFacts): boolean {
  return isPlaced || phase !== 'Pending'
}

function isOurs({ job }: Pick<World, 'job'>, { ownerUid }: PodFacts): boolean {
  return ownerUid === job.metadata.uid
}

/** Whether it is a parameter server of the current generation that has not ended. */
function mayWrite(world: World, pod: PodFacts): boolean {
  if (pod.role !== 'ps' || !isOurs(world, pod) || isFinished(pod) || writtenEnding(world.previous)) return false
  return hadNode(pod) && pod.generation === world.psGeneration
}

/** Infinity also for a pod with another program's finalizer, which outlasts a deletion by force. */
function lostAtMs(world: World, pod: PodFacts): number {
  const seconds = world.job.spec.failurePolicy?.lostNodeSeconds ?? Number.POSITIVE_INFINITY
  const isKept = !isOurs(world, pod) || otherFinalizers(pod).length > 0
  return isKept ? Number.POSITIVE_INFINITY : (silentOrLateSinceMs(pod) ?? 0) + seconds * 1000
}

/** Finalizers that the operator does not remove itself. */
function otherFinalizers({ finalizers }: PodFacts): string[] {
  return finalizers.filter((one) => one !== KUEUE_FINALIZER)
}

/** Turns the update to True and adds the lost nodes and what the user can do about them. */
export function nameLostNodes(update: ConditionUpdate, world: World, pods: readonly PodFacts[]): ConditionUpdate {
  if (pods.length === 0) return update
  const before = update.status === 'True' ? [update.message] : []
  const message = [...before, textsOf(world, pods)].join('; ')
  return { type: update.type, status: 'True', reason: reasonOf(pods), message }
}

/** Explains that names of the job are still taken by pods of another owner that are being deleted. */
export function describeForeignPods(names: string, world: World, late: readonly PodFacts[]): ConditionUpdate {
  const message = [`waits for ${names} of another owner to be deleted`, textsOf(world, late)].filter(Boolean).join('; ')
  return { type: 'Created', status: 'False', reason: late.length > 0 ? reasonOf(late) : 'NameTaken', message }
}

function reasonOf(pods: readonly PodFacts[]): string {
  return pods.every(isOnlyKept) ? 'FinalizerPending' : 'NodeLost'
}

function textsOf(world: World, pods: readonly PodFacts[]): string {
  const others = pods.length > 3 ? [`and ${pods.length - 3} more such pods`] : []
  return [...pods.slice(0, 3).map((pod) => textOf(world, pod)), ...others].join('; ')
}

/** Only a finalizer keeps the pod: it has ended, or never started. */
function isOnlyKept(pod: PodFacts): boolean {
  const hasEnded = !hadNode(pod) || (isFinished(pod) && !pod.outlived)
  return pod.deleting && hasEnded && otherFinalizers(pod).length > 0
}

function textOf(world: World, pod: PodFacts): string {
  const { deleting, endDueAtMs = world.nowMs, silentSinceMs, nodeName } = pod
  const [keeper] = deleting ? otherFinalizers(pod) : []
  const kept = keeper === undefined ? '' : `finalizer "${keeper}" keeps it`
  if (isOnlyKept(pod)) return `${shortName(pod)} should have been deleted by ${iso(endDueAtMs)}, but ${kept}`
  const isOverdue = deleting && (silentSinceMs === undefined || endDueAtMs <= world.nowMs)
  const what = isOverdue
    ? `should have ended by ${iso(endDueAtMs)}, but its node has not confirmed it`
    : `has not reported since ${iso(silentSinceMs ?? world.nowMs)}`
  const causes = [pod.disruption ?? pod.reason, pod.disruptionMessage ?? pod.message].filter(Boolean).join(': ')
  const advice = kept ? `, and ${kept}` : adviceOn(world, pod)
  const where = nodeName === undefined ? 'a node' : `node "${nodeName}"`
  return `${shortName(pod)} on ${where} ${what}${causes ? ` (${causes})` : ''}${advice}`
}

function adviceOn(world: World, pod: PodFacts): string {
  const due = lostAtMs(world, pod)
  if (Number.isFinite(due)) return `; replaced at ${iso(due)} (failurePolicy.lostNodeSeconds)`
  const setting = isOurs(world, pod) ? ', or set failurePolicy.lostNodeSeconds' : ''
  return `; if the node is off for good, delete the pod by force${setting}`
}

const iso = (timeMs: number): string => new Date(timeMs).toISOString()
