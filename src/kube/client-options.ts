import type { Clock } from '../support/clock.ts'
import type { Log } from '../support/log.ts'
import type { StatusBody } from './errors.ts'
import type { RetryPolicy } from './retry.ts'
import type { Limits } from './token-bucket.ts'

/** What an observer is told of each attempt of a request. */
export interface RequestFacts {
  readonly method: string
  /** Host and port of the API server. */
  readonly host: string
}

export interface RequestObserver {
  /** The headers of an answer have arrived. @param status 0: there was no answer */
  answered(request: RequestFacts, status: number, seconds: number): void
  /** The request will be repeated. @param status of the failed attempt; 0: there was no answer */
  retried(request: RequestFacts, status: number): void
  /** The request has waited for the rate limit. */
  limited(request: RequestFacts, seconds: number): void
}

export interface KubeClientOptions {
  /** Path of a kubeconfig; absent: KUBECONFIG, ~/.kube/config, then the pod's service account. */
  kubeConfig?: string | undefined
  log: Log
  /** Default 200 requests a second, 400 at once; counted for this client alone. */
  limits?: Partial<Limits> | undefined
  retry?: Partial<RetryPolicy> | undefined
  /** Milliseconds for one try of a request; default 30 000. */
  timeoutMs?: number | undefined
  /** Aborts all requests and watches of the client. */
  signal?: AbortSignal | undefined
  userAgent?: string | undefined
  observer?: RequestObserver | undefined
  clock?: Clock | undefined
  random?: (() => number) | undefined
}

export interface Waiting {
  signal?: AbortSignal | undefined
}

export interface Selection {
  labelSelector?: string | undefined
  fieldSelector?: string | undefined
}

export interface ListOptions<T> extends Selection, Waiting {
  /** Shrinks each item when its page arrives, so that a large list is never in memory as a whole in its full size. */
  trim?: ((item: T) => T) | undefined
}

export interface CreateOptions extends Waiting {
  /** Nothing is stored, and an unknown field is an error instead of being dropped. */
  dryRun?: boolean | undefined
}

export interface ApplyOptions extends Waiting {
  fieldManager?: string | undefined
  force?: boolean | undefined
  /** Nothing is stored. */
  dryRun?: boolean | undefined
}

export interface DeleteOptions extends Waiting {
  /** Delete only the object with this uid; another one of that name answers 409 Conflict. */
  uid?: string | undefined
  resourceVersion?: string | undefined
  gracePeriodSeconds?: number | undefined
  propagationPolicy?: 'Foreground' | 'Background' | 'Orphan' | undefined
}

export interface WatchOptions extends Selection, Waiting {
  resourceVersion?: string | undefined
  /** Seconds after which the server closes the watch. */
  timeoutSeconds?: number | undefined
  /** Milliseconds without data after which the connection counts as dead; default 90 000. */
  idleMs?: number | undefined
  /** Called when the API server has accepted the watch, before its first event. */
  onOpen?: (() => void) | undefined
}

export type WatchEvent<T> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; object: T }
  | { type: 'ERROR'; object: StatusBody }

export interface ListResult<T> {
  items: T[]
  resourceVersion: string
}
