/** The processes that compute for a worker: started together, asked together, and ended together. */
import type { LeaseSource } from '../../input/batch.ts'
import type { Clock } from '../../support/clock.ts'
import { DownpourError } from '../../support/errors.ts'
import { ComputeProcess, type LaunchOptions } from './compute-process.ts'
import { DealtLeases } from './dealt-leases.ts'
import type { Answers, OpenFacts, Question, StartMessage } from './messages.ts'

export interface GroupOptions {
  /** In the order of their numbers. */
  launches: readonly LaunchOptions[]
  signal: AbortSignal
  clock: Clock
}

/** A process that answers so much later than the first one hangs. */
const LATE_MS = 600_000

export class ProcessGroup {
  /** Aborted when the caller aborts, or with the error of the first process that fails. */
  readonly signal: AbortSignal
  readonly #processes: readonly ComputeProcess[]
  readonly #failed = new AbortController()
  readonly #clock: Clock
  /** Absent before `start`, after which processes ask for leases. */
  #leases: LeaseSource | undefined
  #dealt: DealtLeases | undefined
  /** Processes that wait for a lease, and leases that were waited for. */
  #waiting = 0
  #given = 0
  #isClosing = false

  constructor({ launches, signal, clock }: GroupOptions) {
    this.signal = AbortSignal.any([signal, this.#failed.signal])
    this.#clock = clock
    this.#processes = launches.map((launch, number) => this.#launch(launch, number, launches.length))
  }

  /** Resolves when every process has opened its data set. @throws the error of the first that fails; AbortError */
  async opened(): Promise<OpenFacts[]> {
    return this.#unlessAborted(Promise.all(this.#processes.map(({ opened }) => opened)))
  }

  /** @param starts of each process */
  start(leases: LeaseSource, starts: readonly StartMessage[]): void {
    this.#leases = leases
    this.#dealt = new DealtLeases(leases, starts.length)
    for (const [number, start] of starts.entries()) this.#processes[number]?.send(start)
  }

  /** One question at a time, to these processes, or to all. @throws as `opened`; DownpourError PROCESS_SILENT */
  async ask<T extends Question['type']>(
    question: Extract<Question, { type: T }>,
    processes = this.#processes,
  ): Promise<Answers[T][]> {
    this.signal.throwIfAborted()
    const answers = processes.map((process) => process.ask(question))
    const over = new AbortController()
    const late = this.#late(Promise.race(answers), over.signal)
    return this.#unlessAborted(Promise.race([Promise.all(answers), late])).finally(() => over.abort())
  }

  /** @throws as `ask` */
  async askFirst<T extends Question['type']>(question: Extract<Question, { type: T }>): Promise<Answers[T]> {
    const [answer] = await this.ask(question, this.#processes.slice(0, 1))
    return answer as Answers[T]
  }

  /** Kills the processes, which have nothing to save. */
  async close(): Promise<void> {
    this.#isClosing = true
    await Promise.all(this.#processes.map((process) => process.kill()))
  }

  #launch(launch: LaunchOptions, number: number, processes: number): ComputeProcess {
    const process: ComputeProcess = new ComputeProcess(launch, {
      onLease: () =>
        this.#serve(async () => {
          this.#waiting++
          const lease = await this.#dealt?.next(number)
          this.#waiting--
          this.#given++
          if (lease !== undefined) process.send({ type: 'lease', lease })
        }),
      onLeaseDone: (lease) => this.#serve(async () => this.#leases?.done(lease)),
      onFailed: ({ code, message }) =>
        this.#fail(new DownpourError(code, `process ${number} of ${processes}: ${message}`, { process: number })),
    })
    return process
  }

  #serve(work: () => Promise<void>): void {
    work().catch((error) => this.#fail(error))
  }

  #fail(error: unknown): void {
    if (!this.#isClosing) this.#failed.abort(error)
  }

  async #unlessAborted<T>(work: Promise<T>): Promise<T> {
    const over = new AbortController()
    const aborted = new Promise<never>((_, reject) => {
      const onAbort = () => reject(this.signal.reason)
      if (this.signal.aborted) onAbort()
      this.signal.addEventListener('abort', onAbort, { once: true, signal: over.signal })
    })
    return Promise.race([work, aborted]).finally(() => over.abort())
  }

  async #late(first: Promise<unknown>, over: AbortSignal): Promise<never> {
    await first
    // One that waits for a lease does not hang: a parameter server may be away for longer.
    let isWaiting = true
    while (isWaiting) {
      const given = this.#given
      await this.#clock.sleep(LATE_MS, over)
      isWaiting = this.#waiting > 0 || this.#given > given
    }
    const message = `a process has not answered ${LATE_MS / 60_000} minutes after the first one of its pod: it hangs`
    throw new DownpourError('PROCESS_SILENT', message)
  }
}
