/** Why the API server did not make an object, as a reason for the condition and as patience before the next try. */
import { KubeError } from '../kube/errors.ts'
import { errorCode, errorMessage } from '../support/errors.ts'
import type { Action } from './actions.ts'

export interface Obstacle {
  /** Of condition Created. */
  reason: string
  message: string
  /**
   * Milliseconds to the next try: what stands in the way is somebody else's to move. Infinity: only a change of the job
   * helps. Undefined: as soon as the queue's back-off allows.
   */
  retryMs?: number
}

const SECOND = 1000
const MINUTE = 60 * SECOND
/** A few requests a job; nobody who has removed the cause should wait much longer. */
const PATIENCE_MS = 10 * SECOND

interface Kind {
  reason: string
  fits(error: KubeError, text: string, action: Action): boolean
  retryMs?: number
  advice?: string
}

/** The first that fits. Admission comes first: a webhook may answer with any status code. */
const KINDS: readonly Kind[] = [
  {
    reason: 'AdmissionDenied',
    fits: (_, text) => /denied (the )?request|violates PodSecurity/.test(text),
    retryMs: PATIENCE_MS,
  },
  {
    reason: 'NamespaceTerminating',
    fits: ({ httpStatus }, text) => httpStatus === 403 && /being terminated/.test(text),
    retryMs: Number.POSITIVE_INFINITY,
  },
  {
    reason: 'QuotaExceeded',
    fits: ({ httpStatus }, text) => httpStatus === 403 && /exceeded quota/.test(text),
    retryMs: PATIENCE_MS,
  },
  { reason: 'Forbidden', fits: ({ httpStatus }) => httpStatus === 403, retryMs: PATIENCE_MS },
  {
    reason: 'GangUnavailable',
    fits: ({ httpStatus }, _, { type }) => type === 'createPodGroup' && httpStatus === 404,
    retryMs: PATIENCE_MS,
    advice: 'the scheduler of spec.scheduling.gang is not installed; install it, or suspend the job and set gang: none',
  },
  {
    reason: 'NamespaceMissing',
    fits: ({ httpStatus }) => httpStatus === 404,
    retryMs: Number.POSITIVE_INFINITY,
  },
  {
    reason: 'TemplateInvalid',
    // 400: not even readable as a pod, or with a field that no pod has.
    fits: ({ httpStatus }, _, { type }) => makesPod(type) && (httpStatus === 422 || httpStatus === 400),
    retryMs: 5 * MINUTE,
  },
  { reason: 'WebhookFailed', fits: ({ httpStatus }, text) => httpStatus >= 500 && /calling webhook/.test(text) },
]

export function obstacleOf(error: unknown, action: Action): Obstacle {
  if (errorCode(error) === 'NAME_CONFLICT') {
    // When a pod of ours held the name, its end wakes us sooner.
    return { reason: 'NameConflict', message: errorMessage(error), retryMs: PATIENCE_MS }
  }
  if (!(error instanceof KubeError)) return { reason: 'CreateFailed', message: errorMessage(error) }
  const text = error.serverText ?? ''
  const kind = KINDS.find(({ fits }) => fits(error, text, action))
  if (!kind) return { reason: 'CreateFailed', message: errorMessage(error) }
  const { reason, retryMs, advice } = kind
  const message = [advice, text].filter(Boolean).join(': ')
  return { reason, message, ...(retryMs === undefined ? {} : { retryMs }) }
}

/** Reasons with which a job waits for others. */
export function isLasting(reason: string): boolean {
  return reason === 'NameConflict' || standsInTheWay(reason)
}

/** What keeps out one pod keeps out the others, unlike a name that is taken. */
export function standsInTheWay(reason: string): boolean {
  return KINDS.some((kind) => kind.reason === reason)
}

export function makesPod(type: Action['type']): boolean {
  return type === 'createPod' || type === 'replacePod'
}
