import { DownpourError, errorMessage } from '../support/errors.ts'

/** The API server's `Status` object, as far as we read it: the body of an error answer and of an ERROR watch event. */
export interface StatusBody {
  code?: number
  reason?: string
  message?: string
  details?: { retryAfterSeconds?: number; causes?: StatusCause[] }
}

export interface StatusCause {
  reason?: string
  field?: string
  message?: string
}

interface KubeFacts {
  /** 0: there was no answer. */
  httpStatus: number
  reason: string
  retryAfterSeconds?: number | undefined
  serverText?: string | undefined
  causes?: readonly StatusCause[] | undefined
  details?: Record<string, unknown>
  cause?: unknown
}

/**
 * A request that did not succeed. `code` is `KUBE_` and the Status reason (`KUBE_NOT_FOUND`, `KUBE_CONFLICT`, ...), or
 * one of KUBE_UNREACHABLE, KUBE_DEADLINE, KUBE_BAD_ANSWER, KUBE_WATCH_LATE, KUBE_WATCH_IDLE, KUBE_TORN_LINE when there is no Status.
 */
export class KubeError extends DownpourError {
  readonly httpStatus: number
  /** `Status.reason`: NotFound, AlreadyExists, Conflict, Invalid, Expired, TooManyRequests, ... */
  readonly reason: string
  readonly retryAfterSeconds: number | undefined
  /** The API server's own words, which name object and field; undefined: there was no answer. */
  readonly serverText: string | undefined
  /** What is wrong with which field, where the API server says so. */
  readonly causes: readonly StatusCause[]

  constructor(code: string, message: string, facts: KubeFacts) {
    super(code, message, facts.details, { cause: facts.cause })
    this.name = 'KubeError'
    this.httpStatus = facts.httpStatus
    this.reason = facts.reason
    this.retryAfterSeconds = facts.retryAfterSeconds
    this.serverText = facts.serverText
    this.causes = facts.causes ?? []
  }
}

/** What the status code means when the body does not say: a proxy in front of the API server answers in its own words. */
const REASONS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  410: 'Gone',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
}

/** @param what the request in words: `GET /api/v1/pods` */
export function statusError(what: string, httpStatus: number, body: StatusBody, retryAfterSeconds?: number): KubeError {
  const reason = body.reason || REASONS[httpStatus] || 'Unknown'
  const code = `KUBE_${reason.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()}`
  return new KubeError(code, `${what}: ${httpStatus} ${reason}: ${body.message ?? 'no message'}`, {
    httpStatus,
    reason,
    retryAfterSeconds: retryAfterSeconds ?? body.details?.retryAfterSeconds,
    serverText: body.message,
    causes: body.details?.causes,
    details: { request: what, httpStatus, reason, causes: body.details?.causes ?? [] },
  })
}

/** An error without an answer of the API server behind it. */
export function transportError(
  code:
    | 'KUBE_UNREACHABLE'
    | 'KUBE_DEADLINE'
    | 'KUBE_BAD_ANSWER'
    | 'KUBE_WATCH_LATE'
    | 'KUBE_WATCH_IDLE'
    | 'KUBE_TORN_LINE',
  what: string,
  problem: string,
  cause?: unknown,
): KubeError {
  const text = cause === undefined ? problem : `${problem}: ${causeMessage(cause)}`
  return new KubeError(code, `${what}: ${text}`, { httpStatus: 0, reason: '', details: { request: what }, cause })
}

/** Node wraps the interesting error (`connect ECONNREFUSED ...`) in one that says nothing. */
function causeMessage(error: unknown): string {
  const inner = (error as { cause?: unknown } | null)?.cause
  if (inner instanceof Error) return causeMessage(inner)
  if (error instanceof AggregateError && error.errors.length > 0) return causeMessage(error.errors[0])
  return errorMessage(error)
}

export const isNotFound = (error: unknown): boolean => error instanceof KubeError && error.httpStatus === 404
export const isConflict = (error: unknown): boolean => error instanceof KubeError && error.reason === 'Conflict'
export const isAlreadyExists = (error: unknown): boolean =>
  error instanceof KubeError && error.reason === 'AlreadyExists'
/** The resourceVersion or continue token is too old: list anew. */
export const isGone = (error: unknown): boolean => error instanceof KubeError && error.httpStatus === 410
