/** Decides what a failed pod means for its job: a retry, or the failure of the job with the reason of the process. */
import type { Job } from '../../api/job.ts'
import { exitClass } from '../../contract/runtime.ts'
import { doublingMs } from '../../support/backoff.ts'
import { withCode, withoutCode } from '../../support/errors.ts'
import type { PodFacts } from '../observed.ts'
import { shortName } from '../pod-names.ts'
import type { Failure, World } from '../world.ts'
import type { Ending } from './ending.ts'

const REPLACEMENT = { baseMs: 1000, capMs: 300_000 }
const NO_MESSAGE = 'ended without a message'
/** A pod that ran this long was healthy: its failure restarts the back-off. */
const HEALTHY_AFTER_MS = 10 * 60_000

function judgeFailure(pod: PodFacts, policy: Job['spec']['failurePolicy']): Failure {
  const name = shortName(pod)
  if (pod.disruption !== undefined) {
    const said = pod.message ?? pod.disruptionMessage
    const text = `${name}: ${pod.disruption}${said ? `: ${said}` : ''}`
    return { class: 'retryable', counted: false, reason: pod.disruption, text, message: `${name}: ${said ?? 'ended'}` }
  }
  if (pod.failedContainer !== undefined) return judgeOther(pod, pod.failedContainer)
  const parsed = parseTerminationMessage(pod.terminationMessage)
  const isGeneric = pod.reason === undefined || pod.reason === 'Error'
  const reason = parsed.code ?? (isGeneric ? `Exit${pod.exitCode ?? 'Unknown'}` : (pod.reason as string))
  const said = parsed.message ?? pod.message
  const exit = pod.exitCode === undefined ? '' : ` (exit ${pod.exitCode})`
  const known = parsed.code ?? (isGeneric ? undefined : pod.reason)
  return {
    class: classOf(pod.exitCode, policy),
    counted: true,
    reason,
    text: `${name}: ${known && said ? withCode(known, said) : (known ?? said ?? NO_MESSAGE)}${exit}`,
    message: `${name}: ${said ? withoutCode(reason, said) : known ? 'ended' : NO_MESSAGE}${exit}`,
  }
}

/** Exit codes have a meaning for Downpour only in the main container. */
function judgeOther(pod: PodFacts, failedContainer: string): Failure {
  const said = lastLine(pod.terminationMessage) ?? pod.message ?? `ended with reason ${pod.reason ?? 'unknown'}`
  const text = `${shortName(pod)}: ${failedContainer}: ${said} (exit ${pod.exitCode})`
  return { class: 'retryable', counted: true, reason: 'InitContainerFailed', text, message: text }
}

function classOf(exitCode: number | undefined, policy: Job['spec']['failurePolicy']): 'permanent' | 'retryable' {
  if (exitCode === undefined) return 'retryable'
  if (policy?.permanentExitCodes?.includes(exitCode)) return 'permanent'
  if (policy?.retryableExitCodes?.includes(exitCode)) return 'retryable'
  return exitClass(exitCode) === 'permanent' ? 'permanent' : 'retryable'
}

/** Accepts `{ code, message }`, a runtime status with `failure`, or plain text, of which the last line counts. */
function parseTerminationMessage(terminationMessage: string | undefined): { code?: string; message?: string } {
  const text = terminationMessage?.trim()
  if (!text) return {}
  try {
    const value: unknown = JSON.parse(text)
    const failure = (value as { failure?: unknown } | null)?.failure ?? value
    const { code, message } = failure as { code?: unknown; message?: unknown }
    return {
      ...(typeof code === 'string' ? { code } : {}),
      ...(typeof message === 'string' ? { message } : {}),
    }
  } catch {
    return { message: lastLine(text) as string }
  }
}

function lastLine(text: string | undefined): string | undefined {
  return text?.trim().split('\n').at(-1) || undefined
}

/** The failed pods that the job must react to, in the order in which they ended. */
export function failuresOf(
  pods: readonly PodFacts[],
  { failurePolicy, suspend }: Pick<Job['spec'], 'failurePolicy' | 'suspend'>,
  trainingFinished: boolean,
): ReadonlyMap<PodFacts, Failure> {
  if (suspend) return new Map()
  // Once training has finished, only the evaluator's work is still needed.
  const isNeeded = ({ role }: PodFacts) => role === 'evaluator' || !trainingFinished
  const failed = pods.filter((pod) => pod.phase === 'Failed' && !pod.deleting && isNeeded(pod))
  return new Map(
    failed
      .toSorted((a, b) => (a.finishedAtMs ?? 0) - (b.finishedAtMs ?? 0))
      .map((pod) => [pod, excludeFromCount(pod, judgeFailure(pod, failurePolicy), trainingFinished)]),
  )
}

/**
 * backoffLimit is for a program that fails again and again at its start. So a failure after a long healthy run does not
 * count, and neither does an evaluator's while training goes on.
 */
function excludeFromCount(pod: PodFacts, failure: Failure, trainingFinished: boolean): Failure {
  const isExcluded = ranMs(pod) >= HEALTHY_AFTER_MS || (pod.role === 'evaluator' && !trainingFinished)
  return { ...failure, counted: failure.counted && !isExcluded }
}

/** The first permanent failure: later ones may be its consequences. */
export function permanentFailure(world: World): Ending | undefined {
  const first = [...world.failures.values()].find((failure) => failure.class === 'permanent')
  if (!first) return undefined
  const reported = world.observed.coordinator?.failure
  if (first.message.includes(NO_MESSAGE) && reported) {
    return { type: 'Failed', reason: reported.code, message: withoutCode(reported.code, reported.message) }
  }
  return { type: 'Failed', reason: first.reason, message: first.message }
}

export function backoffLimitExceeded({ job, restarts, failures }: World): Ending | undefined {
  const { backoffLimit } = job.spec
  const last = [...failures.values()].findLast((failure) => failure.counted)
  if (restarts.counted <= backoffLimit || !last) return undefined
  const message = `${restarts.counted} failures, backoffLimit is ${backoffLimit}; the last: ${last.text}`
  return { type: 'Failed', reason: 'BackoffLimitExceeded', message }
}

/** When the pod may be replaced: 1 s after its end, doubled with each restart, at most 5 minutes. */
export function dueAtMs(pod: PodFacts, nowMs: number): number {
  const endedMs = pod.finishedAtMs ?? pod.createdAtMs
  // The end is a time of the node's clock: a clock that is ahead must not delay the job.
  if (endedMs > nowMs) return nowMs
  return endedMs + doublingMs(ranMs(pod) >= HEALTHY_AFTER_MS ? 0 : pod.attempt, REPLACEMENT)
}

function ranMs({ finishedAtMs, createdAtMs, startedAtMs }: PodFacts): number {
  const endedMs = finishedAtMs ?? createdAtMs
  return endedMs - (startedAtMs ?? endedMs)
}
