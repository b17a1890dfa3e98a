/** What the processes of a job say about themselves: GET /status while they run, the termination message afterwards. */
import { z } from 'zod'
import { PORTS } from '../contract/runtime.ts'
import type { CheckpointInfo, CoordinatorStatus, EvaluatorStatus } from '../contract/status.ts'
import type { Clock } from '../support/clock.ts'
import { DownpourError, errorCode, errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import type { PodFacts } from './observed.ts'

const count = z.int().min(0)
const text = z.string().max(4096)
const failure = z.object({ code: text, message: text }).nullable()

const Checkpoint: z.ZodType<CheckpointInfo> = z.object({
  step: count,
  digest: text,
  path: text,
  savedAt: text,
  final: z.boolean(),
  score: z.number().exactOptional(),
})

const Coordinator: z.ZodType<CoordinatorStatus> = z.object({
  role: z.literal('ps'),
  index: z.literal(0),
  phase: z.enum(['waiting', 'training', 'saving', 'done', 'failed']),
  incarnation: z.number(),
  step: count,
  maxSteps: z.int().min(1),
  loss: z.number().nullable(),
  learningRate: z.number(),
  examplesPerSecond: z.number().min(0),
  etaSeconds: z.number().min(0).nullable(),
  staleness: z.object({ mean: z.number(), p99: z.number(), max: z.number() }),
  pushes: z.object({ applied: count, duplicate: count, stale: count, nonfinite: count, fenced: count }),
  workersConnected: count,
  workersContributed: count,
  epoch: count,
  checkpoints: z.array(Checkpoint).max(500),
  pinned: z.array(count).max(1000),
  checkpointFailures: z.object({ count, lastError: z.string().nullable() }),
  failure,
})

const Evaluator: z.ZodType<EvaluatorStatus> = z.object({
  role: z.literal('evaluator'),
  index: z.literal(0),
  phase: z.enum(['waiting', 'evaluating', 'done', 'failed']),
  evaluations: z
    .array(z.object({ step: count, digest: text, metrics: z.record(z.string(), z.number()), examples: count }))
    .max(1000),
  failure,
})

export interface Reports {
  coordinator: CoordinatorStatus | undefined
  evaluator: EvaluatorStatus | undefined
}

export interface ReportReaderOptions {
  log: Log
  clock: Clock
  /** Milliseconds for which an answer, or the lack of one, is not asked for again. */
  freshMs: number
  /** Default PORTS.http. */
  port?: number
  /** Milliseconds for one answer; default 2000. */
  timeoutMs?: number
  /** Milliseconds for which a reconcile waits for one; default 100. */
  patienceMs?: number
  /** Bytes of one answer; default 256 KiB. */
  maxBytes?: number
}

interface Answer {
  atMs: number
  value: unknown
}

/** Asks running pods, and reads the last words of those that have ended. Silence is `undefined`, never an error. */
export class ReportReader {
  readonly #options: Required<ReportReaderOptions>
  /** By pod uid; entries older than `freshMs` are worthless and swept when a new one comes. */
  readonly #answers = new Map<string, Answer>()
  /** Questions under way, by pod uid. */
  readonly #asking = new Map<string, Promise<unknown>>()

  constructor(options: ReportReaderOptions) {
    this.#options = { port: PORTS.http, timeoutMs: 2000, patienceMs: 100, maxBytes: 256 * 1024, ...options }
  }

  /**
   * A pod that takes its time holds nobody up: the job is looked at without its answer, and again when it comes.
   * @param pods of one job: ours, of the current generation
   */
  async read(pods: readonly PodFacts[], signal: AbortSignal, onLate: () => void = () => undefined): Promise<Reports> {
    const find = (role: string) => pods.find((pod) => pod.role === role && pod.index === 0)
    const [coordinator, evaluator] = await Promise.all([
      this.#readOne(find('ps'), Coordinator, signal, onLate),
      this.#readOne(find('evaluator'), Evaluator, signal, onLate),
    ])
    return { coordinator, evaluator }
  }

  /** Tells a parameter server which checkpoints to keep. @throws STATUS_REFUSED, or what the network threw */
  async pin(podIP: string, steps: readonly number[], signal: AbortSignal): Promise<void> {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(this.#options.timeoutMs)])
    const response = await fetch(`${this.#urlOf(podIP)}/pins`, {
      method: 'PUT',
      body: JSON.stringify({ steps }),
      signal: deadline,
      redirect: 'error',
    })
    if (!response.ok) throw new DownpourError('STATUS_REFUSED', `PUT /pins was answered ${response.status}`)
    // What was read before does not show it.
    this.#answers.clear()
  }

  #urlOf(podIP: string): string {
    return `http://${podIP.includes(':') ? `[${podIP}]` : podIP}:${this.#options.port}`
  }

  async #readOne<T>(
    pod: PodFacts | undefined,
    shape: z.ZodType<T>,
    signal: AbortSignal,
    onLate: () => void,
  ): Promise<T | undefined> {
    if (!pod) return undefined
    if (pod.phase !== 'Running') return parseJson(pod.lastWords, shape)
    if (!pod.podIP) return undefined
    const known = this.#fresh(pod.uid)
    if (known) return known.value as T | undefined
    const url = this.#urlOf(pod.podIP)
    const answer = (this.#asking.get(pod.uid) as Promise<T | undefined>) ?? this.#begin(pod, url, shape, signal)
    return this.#waitFor(answer, onLate)
  }

  #begin<T>(pod: PodFacts, url: string, shape: z.ZodType<T>, signal: AbortSignal): Promise<T | undefined> {
    const answer = this.#ask(pod.name, url, shape, signal).then((value) => {
      this.#asking.delete(pod.uid)
      this.#answers.set(pod.uid, { atMs: this.#options.clock.monotonicMs(), value })
      return value
    })
    this.#asking.set(pod.uid, answer)
    return answer
  }

  async #waitFor<T>(answer: Promise<T | undefined>, onLate: () => void): Promise<T | undefined> {
    const { clock, patienceMs } = this.#options
    const timer = new AbortController()
    const impatience = clock.sleep(patienceMs, timer.signal).then(
      () => 'late' as const,
      () => undefined,
    )
    const first = await Promise.race([answer, impatience])
    timer.abort()
    if (first !== 'late') return first
    void answer.then((value) => value !== undefined && onLate())
    return undefined
  }

  #fresh(uid: string): Answer | undefined {
    const oldest = this.#options.clock.monotonicMs() - this.#options.freshMs
    for (const [other, { atMs }] of this.#answers) if (atMs < oldest) this.#answers.delete(other)
    return this.#answers.get(uid)
  }

  async #ask<T>(pod: string, url: string, shape: z.ZodType<T>, signal: AbortSignal): Promise<T | undefined> {
    const { timeoutMs, log } = this.#options
    try {
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
      const response = await fetch(`${url}/status`, { signal: deadline, redirect: 'error' })
      const body = await readCapped(response, this.#options.maxBytes)
      if (!response.ok) throw new DownpourError('STATUS_REFUSED', `answered ${response.status}`)
      return shape.parse(JSON.parse(body))
    } catch (error) {
      log.debug({ pod, code: errorCode(error), error: errorMessage(error) }, 'pod did not tell its status')
      return undefined
    }
  }
}

/** A pod is somebody else's program: it shall not fill the operator's memory. */
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
    // Plain text, or a message cut at 4 KiB: the failure policy shows it as it is.
    return undefined
  }
}
