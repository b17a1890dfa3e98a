/**
 * A pod whose node is gone: nobody confirms that it has ended, and its name stays taken. What the control plane writes
 * into the pod tells enough, so the operator needs no right to read nodes.
 */
import { KUEUE_FINALIZER } from '../../plan/kueue.ts'
import type { Action } from '../actions.ts'
import type { Finding } from '../conditions.ts'
import type { PodFacts } from '../observed.ts'
import { shortName, type World } from '../world.ts'

/** A kubelet that works reports the end of a pod within seconds of its grace period. */
const LATE_AFTER_MS = 15_000

export interface LostNodes {
  /** Those that are late. */
  pods: readonly PodFacts[]
  actions: Action[]
  requeueAtMs?: number
}

export function findLostNodes(world: World): LostNodes {
  const suspects = world.pods.flatMap((pod) => {
    const sinceMs = silentSince(pod)
    return sinceMs === undefined ? [] : [{ pod, lateAtMs: sinceMs + LATE_AFTER_MS, lostAtMs: lostAtMs(world, pod) }]
  })
  const times = suspects.flatMap(({ lateAtMs, lostAtMs }) => [lateAtMs, ...(lostAtMs === undefined ? [] : [lostAtMs])])
  const coming = times.filter((time) => time > world.nowMs)
  const lost = suspects.filter(({ lostAtMs }) => lostAtMs !== undefined && lostAtMs <= world.nowMs)
  return {
    pods: suspects.filter(({ lateAtMs }) => lateAtMs <= world.nowMs).map(({ pod }) => pod),
    actions: lost.map(({ pod: { name, uid } }) => ({ type: 'deletePod', name, uid, force: true })),
    ...(coming.length > 0 ? { requeueAtMs: Math.min(...coming) } : {}),
  }
}

function silentSince(pod: PodFacts): number | undefined {
  if (pod.nodeName === undefined) return undefined
  return pod.deleting ? pod.endDueAtMs : pod.silentSinceMs
}

/** When it is to be deleted by force; undefined: never. The finalizer of somebody outlasts that too. */
function lostAtMs({ job }: Pick<World, 'job'>, pod: PodFacts): number | undefined {
  const seconds = job.spec.failurePolicy?.lostNodeSeconds
  const sinceMs = silentSince(pod)
  if (seconds === undefined || sinceMs === undefined || keepers(pod).length > 0) return undefined
  return sinceMs + seconds * 1000
}

/** Kueue's finalizer is taken off by us. */
function keepers({ finalizers }: PodFacts): string[] {
  return finalizers.filter((one) => one !== KUEUE_FINALIZER)
}

/** The finding, with the nodes that are missed and what can be done about them. */
export function nameLostNodes(finding: Finding, world: World, pods: readonly PodFacts[]): Finding {
  if (pods.length === 0) return finding
  const texts = pods.slice(0, 3).map((pod) => textOf(world, pod))
  const others = pods.length > 3 ? [`and ${pods.length - 3} more pods on such nodes`] : []
  const before = finding.status === 'True' ? [finding.message] : []
  const message = [...before, ...texts, ...others].join('; ')
  return { type: finding.type, status: 'True', reason: 'NodeLost', message }
}

function textOf(world: World, pod: PodFacts): string {
  const since = new Date(silentSince(pod) ?? world.nowMs).toISOString()
  const where = `${shortName(pod)} on node "${pod.nodeName}"`
  const what = pod.deleting ? `was to end by ${since}, which the node does not confirm` : `is silent since ${since}`
  const causes = [pod.disruption ?? pod.reason, pod.disruptionMessage ?? pod.message].filter(Boolean).join(': ')
  return `${where} ${what}${causes ? ` (${causes})` : ''}${adviceOn(world, pod)}`
}

function adviceOn(world: World, pod: PodFacts): string {
  const [keeper] = pod.deleting ? keepers(pod) : []
  if (keeper !== undefined) return `, and finalizer "${keeper}" keeps it`
  const due = lostAtMs(world, pod)
  if (due !== undefined) return `; replaced at ${new Date(due).toISOString()} (failurePolicy.lostNodeSeconds)`
  return '; if the node is off for good, delete the pod by force, or set failurePolicy.lostNodeSeconds'
}
