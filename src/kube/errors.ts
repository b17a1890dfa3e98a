import { DownpourError, errorMessage } from '../support/errors.ts'

/** The fields of `Status` that are read: the body of an error answer and of an ERROR watch event. */
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
 * one of KUBE_UNREACHABLE, KUBE_DEADLINE, KUBE_BAD_ANSWER, KUBE_WATCH_LATE, KUBE_WATCH_IDLE, KUBE_TORN_LINE when there
 * is no Status.
 */
export class KubeError extends DownpourError {
  readonly httpStatus: number
  /** `Status.reason`: NotFound, AlreadyExists, Conflict, Invalid, Expired, TooManyRequests, ... */
  readonly reason: string
  readonly retryAfterSeconds: number | undefined
  /** The API server's message, which names object and field; undefined: no answer arrived. */
  readonly serverText: string | undefined
  /** The invalid fields, if the API server names them. */
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

/** Reasons by HTTP status, for a body without one: a proxy in front of the API server sends no Status object. */
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

/** @param what describes the request: `GET /api/v1/pods` */
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

/** An error of a request that the API server has not answered. */
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

/** Node wraps the useful error (`connect ECONNREFUSED ...`) in a generic one. */
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
/** The resourceVersion or continue token is too old: a new list is needed. */
export const isGone = (error: unknown): boolean => error instanceof KubeError && error.httpStatus === 410
