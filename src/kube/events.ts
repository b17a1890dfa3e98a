import { randomBytes } from 'node:crypto'
import { type Clock, systemClock } from '../support/clock.ts'
import { errorCode, errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import type { KubeClient } from './client.ts'
import { isNotFound } from './errors.ts'
import type { KubeObject } from './objects.ts'

export interface EventText {
  type: 'Normal' | 'Warning'
  /** UpperCamelCase, one word for programs: `PodsCreated`. */
  reason: string
  /** A sentence for people; cut at 1024 bytes, the API's limit. */
  message: string
}

export interface EventRecorderOptions {
  client: KubeClient
  log: Log
  /** Shown as the source: `downpour-operator`. */
  component: string
  /** The replica of the component. */
  instance: string
  clock?: Clock | undefined
}

/** One series: the same object, type, reason and message. */
interface Series {
  count: number
  firstTimestamp: string
  /** The Event that carries it; undefined until it is created. */
  ref: { namespace: string; name: string } | undefined
}

/** Series in memory; the least recently used is dropped, and its next event starts a new series. */
const MAX_SERIES = 4096
/** Series that wait to be written; further events are dropped, because no state depends on them. */
const MAX_PENDING = 1000
const MAX_MESSAGE_BYTES = 1024
const EVENTS = { apiVersion: 'v1', plural: 'events' } as const

/**
 * Publishes core/v1 Events: `kubectl describe` and `kubectl get events` print their count and times, but not the count
 * of a `series` of events.k8s.io/v1. A repeated event raises the count of the first one. Never throws and never blocks
 * a reconcile.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions
  readonly #clock: Clock
  /** Least recently used first. */
  readonly #series = new Map<string, Series>()
  /** Series with an unwritten count, in order; a repeat in the meantime causes no further request. */
  readonly #pending = new Map<string, { object: KubeObject; text: EventText }>()
  #writing: Promise<void> | undefined
  #dropped = 0

  constructor(options: EventRecorderOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  /** Events dropped because there were too many at once or the API server refused them. */
  get dropped(): number {
    return this.#dropped
  }

  /** @param object needs apiVersion, kind and metadata.uid, or `kubectl describe` does not find the event */
  record(object: KubeObject, text: EventText): void {
    const key = [object.metadata.uid, text.type, text.reason, text.message].join('\u0000')
    if (this.#pending.size >= MAX_PENDING && !this.#pending.has(key)) {
      this.#dropped++
      return
    }
    this.#touch(key).count++
    this.#pending.set(key, { object, text })
    this.#writing ??= this.#writeAll()
  }

  /** Resolves when all recorded events are written or dropped. */
  async flush(): Promise<void> {
    await this.#writing
  }

  #touch(key: string): Series {
    const series = this.#series.get(key) ?? { count: 0, firstTimestamp: this.#now(), ref: undefined }
    this.#series.delete(key)
    this.#series.set(key, series)
    const [oldest] = this.#series.keys()
    if (this.#series.size > MAX_SERIES && oldest !== undefined) this.#series.delete(oldest)
    return series
  }

  async #writeAll(): Promise<void> {
    // One at a time, so that events leave the rate limit to requests for pods.
    for (const [key, { object, text }] of this.#pending) {
      this.#pending.delete(key)
      try {
        await this.#write(this.#touch(key), object, text)
      } catch (error) {
        this.#dropped++
        const facts = { reason: text.reason, code: errorCode(error), error: errorMessage(error) }
        this.#options.log.warn(facts, 'event not recorded')
      }
    }
    this.#writing = undefined
  }

  async #write(series: Series, object: KubeObject, text: EventText): Promise<void> {
    if (series.ref) {
      try {
        const patch = { count: series.count, lastTimestamp: this.#now() }
        await this.#options.client.mergePatch({ ...EVENTS, ...series.ref }, patch)
        return
      } catch (error) {
        // The API server deletes events after an hour; a new series starts.
        if (!isNotFound(error)) throw error
        Object.assign(series, { count: 1, firstTimestamp: this.#now(), ref: undefined })
      }
    }
    const event = this.#eventOf(series, object, text)
    const { namespace, name } = event.metadata
    await this.#options.client.create({ ...EVENTS, namespace }, event)
    series.ref = { namespace, name }
  }

  #eventOf(series: Series, object: KubeObject, text: EventText) {
    const { name, namespace, uid, resourceVersion } = object.metadata
    const { apiVersion, kind } = object
    return {
      apiVersion: 'v1',
      kind: 'Event',
      // Shortened so that the result is a legal object name of at most 253 characters.
      metadata: {
        name: `${name.slice(0, 230)}.${randomBytes(8).toString('hex')}`,
        namespace: namespace ?? 'default',
      },
      involvedObject: { apiVersion, kind, name, namespace, uid, resourceVersion },
      type: text.type,
      reason: text.reason,
      message: cut(text.message),
      count: series.count,
      firstTimestamp: series.firstTimestamp,
      lastTimestamp: this.#now(),
      source: { component: this.#options.component, host: this.#options.instance },
      reportingComponent: this.#options.component,
      reportingInstance: this.#options.instance,
    }
  }

  /** RFC 3339 with whole seconds: `metav1.Time`. */
  #now(): string {
    return new Date(this.#clock.nowMs()).toISOString().replace(/\.\d+Z$/, 'Z')
  }
}

function cut(message: string): string {
  if (Buffer.byteLength(message) <= MAX_MESSAGE_BYTES) return message
  const head = Buffer.from(message).subarray(0, MAX_MESSAGE_BYTES - 3)
  // A character split by the cut decodes to U+FFFD.
  return `${head.toString().replace(/\uFFFD$/, '')}…`
}
