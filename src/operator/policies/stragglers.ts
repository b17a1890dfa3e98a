/**
 * Slow workers, as parameter server 0 reports them. With policy Replace, their pods are deleted, and the successors avoid
 * the node. Replacing costs training time and may not help, so it is bounded: one pod at a time, only while all other
 * workers run, a place once in 24 hours, and maxReplacements in 24 hours.
 */

import type { ReplacedStraggler } from '../../api/status.ts'
import { completeStragglers } from '../../api/stragglers.ts'
import type { Straggler } from '../../contract/status.ts'
import type { Action } from '../actions.ts'
import type { ConditionUpdate } from '../conditions.ts'
import type { PodFacts } from '../observed.ts'
import { shortName } from '../pod-names.ts'
import { isRunning, type World } from '../world.ts'

const WINDOW_MS = 24 * 3_600_000
const SHOWN = 3

export interface Stragglers {
  actions: Action[]
  /** Undefined: parameter server 0 has not been reached, so nothing is known. */
  update: ConditionUpdate | undefined
  /** Replacements of the last 24 hours. */
  replaced: readonly ReplacedStraggler[]
  /** One message for each pod that is to be replaced. */
  texts: string[]
  requeueAtMs?: number
}

interface SlowPod {
  pod: PodFacts
  report: Straggler
}

/** A replacement is written to the status before the pod is deleted, so that a crash in between forgets none. */
export function replaceStragglers(world: World): Stragglers {
  const recent = recentlyReplaced(world)
  const slow = slowPods(world)
  const chosen = chooseNext(world, recent, slow)
  const replaced = chosen ? [...recent, recordOf(chosen, world.nowMs)] : recent
  return {
    actions: doomedPods(world, recent).map(({ name, uid }) => ({ type: 'deletePod', name, uid })),
    update: describeStragglers(world, replaced, slow),
    replaced,
    texts: chosen ? [`${textOf(chosen)}; another pod takes its place`] : [],
    ...(chosen ? { requeueAtMs: world.nowMs } : {}),
  }
}

/** The nodes that the next pod of the worker should avoid. */
export function nodesToAvoid(world: World, worker: number): string[] {
  const nodes = recentlyReplaced(world).flatMap((one) => (one.worker === worker && one.node ? [one.node] : []))
  return [...new Set(nodes)]
}

function recentlyReplaced({ previous, nowMs }: World): ReplacedStraggler[] {
  return (previous?.stragglersReplaced ?? []).filter(({ at }) => Date.parse(at) > nowMs - WINDOW_MS)
}

/** A report about a pod that is gone says nothing about its successor. */
function slowPods(world: World): SlowPod[] {
  const reports = world.observed.coordinator?.stragglers ?? []
  return reports.flatMap((report) => {
    const slot = world.slots.worker[report.worker]
    return slot?.pod?.uid === report.podUid && isRunning(slot) ? [{ pod: slot.pod, report }] : []
  })
}

function chooseNext(world: World, recent: readonly ReplacedStraggler[], slow: readonly SlowPod[]): SlowPod | undefined {
  const { policy, maxReplacements } = completeStragglers(world.job.spec.workers.stragglers)
  const isQuiet = world.slots.worker.every((slot) => isRunning(slot) && slot.pod?.ready)
  if (policy !== 'Replace' || !isQuiet || recent.length >= maxReplacements) return undefined
  if (doomedPods(world, recent).length > 0) return undefined
  return slow.find(({ report }) => !recent.some(({ worker }) => worker === report.worker))
}

/** Pods whose replacement is in the status, and that still run. */
function doomedPods({ slots }: World, recent: readonly ReplacedStraggler[]): PodFacts[] {
  return slots.worker.flatMap(({ pod }) =>
    pod && !pod.deleting && recent.some(({ podUid }) => podUid === pod.uid) ? [pod] : [],
  )
}

function recordOf({ pod, report }: SlowPod, nowMs: number): ReplacedStraggler {
  const { worker, podUid } = report
  return { worker, podUid, ...(pod.nodeName && { node: pod.nodeName }), at: new Date(nowMs).toISOString() }
}

function describeStragglers(
  { job, observed }: World,
  replaced: readonly ReplacedStraggler[],
  slow: readonly SlowPod[],
): ConditionUpdate | undefined {
  if (!observed.coordinator) return undefined
  if (slow.length === 0)
    return { type: 'Straggling', status: 'False', reason: 'AllAlike', message: 'no worker is much slower than others' }
  const others = slow.length > SHOWN ? [`and ${slow.length - SHOWN} more`] : []
  const { policy, maxReplacements } = completeStragglers(job.spec.workers.stragglers)
  const done =
    policy === 'Replace'
      ? `${replaced.length} of ${maxReplacements} replacements within 24 hours, each place once`
      : 'not replaced (workers.stragglers.policy is Report)'
  const message = [...slow.slice(0, SHOWN).map(textOf), ...others, done].join('; ')
  return { type: 'Straggling', status: 'True', reason: 'SlowWorkers', message }
}

function textOf({ pod, report }: SlowPod): string {
  const where = pod.nodeName ? ` on node "${pod.nodeName}"` : ''
  return `${shortName(pod)}${where} takes ${report.slowness.toFixed(1)} times as long for a step as the median worker, since ${report.since}`
}
