/** What the end of a pod means for its job: ask for another try, or fail the job with the reason the process gave. */
import type { Job } from '../../api/job.ts'
import type { JobStatus } from '../../api/status.ts'
import { exitClass } from '../../contract/runtime.ts'
import { doublingMs } from '../../support/backoff.ts'
import { withCode, withoutCode } from '../../support/errors.ts'
import type { PodFacts } from '../observed.ts'
import { shortName, type World } from '../world.ts'
import type { Ending } from './ending.ts'
import { trainingFinished } from './success.ts'

const REPLACEMENT = { baseMs: 1000, capMs: 300_000 }
const SILENT = 'ended without a word'
/** A pod that ran this long was healthy: its next failure starts the back-off anew. */
const HEALTHY_AFTER_MS = 10 * 60_000

export interface Failure {
  class: 'permanent' | 'retryable'
  /** Whether it counts against backoffLimit: what the cluster did to the pod does not. */
  counted: boolean
  /** For the machine: the process's own code, or Kubernetes' reason. */
  reason: string
  /** @example 'worker-17: OOMKilled (exit 137)' */
  text: string
  /** The same for a place that shows the reason itself. */
  message: string
}

function judgeFailure(pod: PodFacts, policy: Job['spec']['failurePolicy']): Failure {
  const name = shortName(pod)
  if (pod.disruption !== undefined) {
    const said = pod.message ?? pod.disruptionMessage
    const text = `${name}: ${pod.disruption}${said ? `: ${said}` : ''}`
    return { class: 'retryable', counted: false, reason: pod.disruption, text, message: `${name}: ${said ?? 'ended'}` }
  }
  if (pod.culprit !== undefined) return judgeOther(pod, pod.culprit)
  const words = parseLastWords(pod.lastWords)
  const isGeneric = pod.reason === undefined || pod.reason === 'Error'
  const reason = words.code ?? (isGeneric ? `Exit${pod.exitCode ?? 'Unknown'}` : (pod.reason as string))
  const said = words.message ?? pod.message
  const exit = pod.exitCode === undefined ? '' : ` (exit ${pod.exitCode})`
  const known = words.code ?? (isGeneric ? undefined : pod.reason)
  return {
    class: classOf(pod.exitCode, policy),
    counted: true,
    reason,
    text: `${name}: ${known && said ? withCode(known, said) : (known ?? said ?? SILENT)}${exit}`,
    message: `${name}: ${said ? withoutCode(reason, said) : known ? 'ended' : SILENT}${exit}`,
  }
}

/** Exit codes have a meaning in our own container only. */
function judgeOther(pod: PodFacts, culprit: string): Failure {
  const said = lastLine(pod.lastWords) ?? pod.message ?? `ended with reason ${pod.reason ?? 'unknown'}`
  const text = `${shortName(pod)}: ${culprit}: ${said} (exit ${pod.exitCode})`
  return { class: 'retryable', counted: true, reason: 'InitContainerFailed', text, message: text }
}

function classOf(exitCode: number | undefined, policy: Job['spec']['failurePolicy']): 'permanent' | 'retryable' {
  if (exitCode === undefined) return 'retryable'
  if (policy?.permanentExitCodes?.includes(exitCode)) return 'permanent'
  if (policy?.retryableExitCodes?.includes(exitCode)) return 'retryable'
  return exitClass(exitCode) === 'permanent' ? 'permanent' : 'retryable'
}

/** `{ code, message }`, a whole runtime status with `failure` in it, or plain text, of which the last line counts. */
function parseLastWords(words: string | undefined): { code?: string; message?: string } {
  const text = words?.trim()
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

/**
 * Against backoffLimit: a program that does not come up, again and again. One that ran well for long is forgiven, and
 * an evaluator that fails does not end training that goes well.
 */
export function failureOf(world: World, pod: PodFacts): Failure {
  const failure = judgeFailure(pod, world.job.spec.failurePolicy)
  const isForgiven = ranMs(pod) >= HEALTHY_AFTER_MS || (pod.role === 'evaluator' && !trainingFinished(world))
  return { ...failure, counted: failure.counted && !isForgiven }
}

/** A pod whose end the job must answer: it failed by itself, and its work is still wanted. */
export function hasFailed(world: World, pod: PodFacts): boolean {
  if (pod.phase !== 'Failed' || pod.deleting || world.job.spec.suspend) return false
  return pod.role === 'evaluator' || !trainingFinished(world)
}

export function failuresOf(world: World): { pod: PodFacts; failure: Failure }[] {
  return world.pods
    .filter((pod) => hasFailed(world, pod))
    .map((pod) => ({ pod, failure: failureOf(world, pod) }))
    .sort((a, b) => (a.pod.finishedAtMs ?? 0) - (b.pod.finishedAtMs ?? 0))
}

/** The first pod that failed for good: those that failed after it may have failed because of it. */
export function permanentFailure(world: World): Ending | undefined {
  const first = failuresOf(world).find(({ failure }) => failure.class === 'permanent')?.failure
  if (!first) return undefined
  const told = world.observed.coordinator?.failure
  if (first.message.includes(SILENT) && told) {
    return { type: 'Failed', reason: told.code, message: withoutCode(told.code, told.message) }
  }
  return { type: 'Failed', reason: first.reason, message: first.message }
}

export function backoffLimitExceeded(world: World, restarts: JobStatus['restarts']): Ending | undefined {
  const { backoffLimit } = world.job.spec
  const last = failuresOf(world).findLast(({ failure }) => failure.counted)?.failure
  if (restarts.counted <= backoffLimit || !last) return undefined
  const message = `${restarts.counted} failures, backoffLimit is ${backoffLimit}; the last: ${last.text}`
  return { type: 'Failed', reason: 'BackoffLimitExceeded', message }
}

/** When the pod may be replaced: 1 s after its end, doubling with every restart, at most 5 minutes. */
export function dueAtMs(pod: PodFacts, nowMs: number): number {
  const endedMs = pod.finishedAtMs ?? pod.createdAtMs
  // The end is told by the node's clock: one that goes ahead must not hold the job up.
  if (endedMs > nowMs) return nowMs
  return endedMs + doublingMs(ranMs(pod) >= HEALTHY_AFTER_MS ? 0 : pod.attempt, REPLACEMENT)
}

function ranMs({ finishedAtMs, createdAtMs, startedAtMs }: PodFacts): number {
  const endedMs = finishedAtMs ?? createdAtMs
  return endedMs - (startedAtMs ?? endedMs)
}
