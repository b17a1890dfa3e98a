/**
 * Classifies why the API server refused to create an object: a condition reason, and the wait before the next attempt.
 */
import { KubeError } from '../kube/errors.ts'
import { errorCode, errorMessage } from '../support/errors.ts'
import type { Action } from './actions.ts'
import { INVALID_TEMPLATE } from './policies/ending.ts'

export interface CreateError {
  /** Reason of condition Created. */
  reason: string
  message: string
  /**
   * Milliseconds until the next attempt, where someone else must remove the cause. Infinity: only a change of the job
   * helps. Undefined: the queue's back-off decides.
   */
  retryMs?: number
  /** Only a change of the job helps, so the job is Failed until it changes. */
  isFinal?: true
}

const SECOND = 1000
const MINUTE = 60 * SECOND
/** Short, so that a job starts soon after someone has removed the cause; it costs a few requests a job. */
const RETRY_MS = 10 * SECOND

interface Kind {
  reason: string
  fits(error: KubeError, text: string, action: Action): boolean
  retryMs?: number
  advice?: string
  isFinal?: true
}

/** Fields that webhooks and LimitRanges add to pods: an error in them may go away without a change of the job. */
const ADDED_FIELDS = /^spec\.(initContainers|ephemeralContainers|containers\[[1-9]|containers\[0\]\.resources)/

/** The first match wins. Admission comes first, because a webhook may answer with any status code. */
const KINDS: readonly Kind[] = [
  {
    reason: 'AdmissionDenied',
    fits: (_, text) => /denied (the )?request|violates PodSecurity/.test(text),
    retryMs: RETRY_MS,
  },
  {
    reason: 'NamespaceTerminating',
    fits: ({ httpStatus }, text) => httpStatus === 403 && /being terminated/.test(text),
    retryMs: Number.POSITIVE_INFINITY,
  },
  {
    reason: 'QuotaExceeded',
    fits: ({ httpStatus }, text) => httpStatus === 403 && /exceeded quota/.test(text),
    retryMs: RETRY_MS,
  },
  { reason: 'Forbidden', fits: ({ httpStatus }) => httpStatus === 403, retryMs: RETRY_MS },
  {
    reason: 'GangUnavailable',
    fits: ({ httpStatus }, _, { type }) => type === 'createPodGroup' && httpStatus === 404,
    retryMs: RETRY_MS,
    advice: 'the scheduler of spec.scheduling.gang is not installed; install it, or suspend the job and set gang: none',
  },
  {
    reason: 'NamespaceMissing',
    fits: ({ httpStatus }) => httpStatus === 404,
    retryMs: Number.POSITIVE_INFINITY,
  },
  {
    reason: INVALID_TEMPLATE,
    fits: (error, _, { type }) => createsPod(type) && isInvalid(error) && isOfTemplate(error),
    retryMs: Number.POSITIVE_INFINITY,
    isFinal: true,
  },
  {
    reason: INVALID_TEMPLATE,
    fits: (error, _, { type }) => createsPod(type) && isInvalid(error),
    retryMs: 5 * MINUTE,
  },
  { reason: 'WebhookFailed', fits: ({ httpStatus }, text) => httpStatus >= 500 && /calling webhook/.test(text) },
]

/** 400: the body cannot be read as a pod, or has an unknown field. */
function isInvalid({ httpStatus }: KubeError): boolean {
  return httpStatus === 422 || httpStatus === 400
}

/** Whether every field that the API server names comes from the job's template. */
function isOfTemplate({ httpStatus, causes }: KubeError): boolean {
  if (httpStatus === 400) return true
  return causes.length > 0 && causes.every(({ field = '' }) => field !== '' && !ADDED_FIELDS.test(field))
}

export function createErrorOf(error: unknown, action: Action): CreateError {
  if (errorCode(error) === 'NAME_CONFLICT') {
    // If a pod of this job holds the name, its end requeues the job sooner.
    return { reason: 'NameConflict', message: errorMessage(error), retryMs: RETRY_MS }
  }
  if (!(error instanceof KubeError)) return { reason: 'CreateFailed', message: errorMessage(error) }
  const text = error.serverText ?? ''
  const kind = KINDS.find(({ fits }) => fits(error, text, action))
  if (!kind) return { reason: 'CreateFailed', message: errorMessage(error) }
  const { reason, retryMs, advice, isFinal } = kind
  const message = [advice, text].filter(Boolean).join(': ')
  return { reason, message, ...(retryMs === undefined ? {} : { retryMs }), ...(isFinal ? { isFinal } : {}) }
}

/** Reasons that last until someone else acts. */
export function isLasting(reason: string): boolean {
  return reason === 'NameConflict' || blocksAllPods(reason)
}

/** Whether the cause blocks all pods of the job, unlike a name that is taken. */
export function blocksAllPods(reason: string): boolean {
  return KINDS.some((kind) => kind.reason === reason)
}

export function createsPod(type: Action['type']): boolean {
  return type === 'createPod' || type === 'replacePod'
}
