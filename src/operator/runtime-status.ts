/** Reads the status of a job's processes: GET /status while they run, the termination message afterwards. */
import { isDeepStrictEqual } from 'node:util'
import type { z } from 'zod'
import { PORTS } from '../contract/runtime.ts'
import { CoordinatorStatus, EvaluatorStatus } from '../contract/status.ts'
import type { Clock } from '../support/clock.ts'
import { DownpourError, errorCode, errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import type { PodFacts } from './observed.ts'

export interface PodReports {
  coordinator: CoordinatorStatus | undefined
  evaluator: EvaluatorStatus | undefined
}

export interface ReportReaderOptions {
  log: Log
  clock: Clock
  /** Milliseconds after an answer, or the lack of one, until it is asked for again. */
  freshMs: number
  /** Bearer key that pods require; absent: none. */
  key?: string | undefined
  /** Default PORTS.http. */
  port?: number
  /** Milliseconds for one answer; default 2000. */
  timeoutMs?: number
  /** Bytes of one answer; default 256 KiB. */
  maxBytes?: number
}

interface Answer {
  podIP: string
  atMs: number
  value: unknown
}

/** An answer that is no longer requested is dropped after this many times `freshMs`: its pod or job has ended. */
const KEPT_INTERVALS = 10

/**
 * Returns the last report of each running pod, and the termination message of each finished one. Never blocks: returns
 * the cached answer, refreshes it in the background, and requeues the job if the answer changed. A pod that does not
 * answer gives `undefined`, never an error.
 */
export class ReportReader {
  readonly #options: Required<Omit<ReportReaderOptions, 'key'>>
  readonly #headers: Record<string, string>
  /** By uid of the pod. */
  readonly #answers = new Map<string, Answer>()
  /** uids of pods with a request under way. */
  readonly #asking = new Set<string>()

  constructor({ key, ...options }: ReportReaderOptions) {
    this.#headers = key === undefined ? {} : { authorization: `Bearer ${key}` }
    this.#options = { port: PORTS.http, timeoutMs: 2000, maxBytes: 256 * 1024, ...options }
  }

  /**
   * @param pods of one job, of the current generation
   * @param onChange called later, when a pod's answer differs from the returned one
   */
  read(pods: readonly PodFacts[], signal: AbortSignal, onChange: () => void): PodReports {
    const find = (role: string) => pods.find((pod) => pod.role === role && pod.index === 0)
    return {
      coordinator: this.#readOne(find('ps'), CoordinatorStatus, signal, onChange),
      evaluator: this.#readOne(find('evaluator'), EvaluatorStatus, signal, onChange),
    }
  }

  /** Sends a parameter server the steps whose checkpoints it must keep. @throws STATUS_REFUSED, or a network error */
  async pin(podIP: string, steps: readonly number[], signal: AbortSignal): Promise<void> {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(this.#options.timeoutMs)])
    const response = await fetch(`${this.#urlOf(podIP)}/pins`, {
      method: 'PUT',
      headers: this.#headers,
      body: JSON.stringify({ steps }),
      signal: deadline,
      redirect: 'error',
    })
    if (!response.ok) throw new DownpourError('STATUS_REFUSED', `PUT /pins was answered with ${response.status}`)
    // The cached answer does not show the new pins yet.
    for (const [uid, answer] of this.#answers) if (answer.podIP === podIP) this.#answers.delete(uid)
  }

  #urlOf(podIP: string): string {
    return `http://${podIP.includes(':') ? `[${podIP}]` : podIP}:${this.#options.port}`
  }

  #readOne<T>(
    pod: PodFacts | undefined,
    shape: z.ZodType<T>,
    signal: AbortSignal,
    onChange: () => void,
  ): T | undefined {
    if (!pod) return undefined
    if (pod.phase !== 'Running') return parseJson(pod.terminationMessage, shape)
    if (!pod.podIP) return undefined
    const known = this.#answers.get(pod.uid)
    const isFresh = known !== undefined && this.#options.clock.monotonicMs() < known.atMs + this.#options.freshMs
    if (!isFresh && !this.#asking.has(pod.uid)) void this.#renew(pod, pod.podIP, shape, signal, onChange)
    return known?.value as T | undefined
  }

  async #renew<T>(
    { name, uid }: PodFacts,
    podIP: string,
    shape: z.ZodType<T>,
    signal: AbortSignal,
    onChange: () => void,
  ): Promise<void> {
    this.#asking.add(uid)
    const value = await this.#ask(name, this.#urlOf(podIP), shape, signal)
    this.#asking.delete(uid)
    const before = this.#answers.get(uid)?.value
    this.#sweep()
    this.#answers.set(uid, { podIP, atMs: this.#options.clock.monotonicMs(), value })
    if (!isDeepStrictEqual(value, before)) onChange()
  }

  #sweep(): void {
    const oldest = this.#options.clock.monotonicMs() - KEPT_INTERVALS * this.#options.freshMs
    for (const [uid, { atMs }] of this.#answers) if (atMs < oldest) this.#answers.delete(uid)
  }

  async #ask<T>(pod: string, url: string, shape: z.ZodType<T>, signal: AbortSignal): Promise<T | undefined> {
    const { timeoutMs, log } = this.#options
    try {
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
      const response = await fetch(`${url}/status`, { headers: this.#headers, signal: deadline, redirect: 'error' })
      const body = await readCapped(response, this.#options.maxBytes)
      if (!response.ok) throw new DownpourError('STATUS_REFUSED', `answered ${response.status}`)
      return shape.parse(JSON.parse(body))
    } catch (error) {
      log.debug({ pod, code: errorCode(error), error: errorMessage(error) }, 'status of a pod not read')
      return undefined
    }
  }
}

/** Limits the size, because a custom image could fill the operator's memory. */
async function readCapped(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    if (size > maxBytes) throw new DownpourError('STATUS_TOO_LONG', `more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function parseJson<T>(words: string | undefined, shape: z.ZodType<T>): T | undefined {
  try {
    const parsed = shape.safeParse(JSON.parse(words ?? ''))
    return parsed.success ? parsed.data : undefined
  } catch {
    // Plain text, or a message cut at 4 KiB: the failure policy shows its text.
    return undefined
  }
}
