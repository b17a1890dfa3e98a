/** Answers the questions of a worker in a process that computes for it. */
import type { Lease } from '../../contract/exchange.ts'
import type { LeaseSource } from '../../input/batch.ts'
import { type ShardLayout, viewsOf } from '../../wire/layout.ts'
import type { CalibratingSource, OpenSource, SourceStats, StepSum, Values } from '../step-source.ts'
import type { Answers, ComputedStep, FromProcess, Question, ToProcess } from './messages.ts'
import type { SharedArrays } from './shared-arrays.ts'

export interface ServerOptions {
  /** Number of this process. */
  process: number
  opened: OpenSource
  shared: SharedArrays
  /** The layout of the model on a single shard. */
  whole: ShardLayout
  /** Seconds that were spent waiting for batches. */
  waitedSeconds: () => number
  /** Resident memory of this process. */
  rssBytes: () => number
  send: (message: FromProcess) => void
}

export class StepServer implements LeaseSource {
  readonly #options: ServerOptions
  /** The weights of the present step, and its gradients. */
  readonly #weights: Values
  readonly #gradients: Values
  #source: CalibratingSource | undefined
  /** Of requests for leases, which the worker answers in order. */
  readonly #waiting: ((lease: Lease | null) => void)[] = []

  constructor(options: ServerOptions) {
    const { entries, total, trainable } = options.whole
    this.#options = options
    this.#weights = viewsOf(entries, new Float32Array(total))
    const isTrainable = entries.filter(({ kind }) => kind === 'trainable')
    this.#gradients = viewsOf(isTrainable, new Float32Array(trainable))
  }

  /** @throws DownpourError BAD_DATA, DATA_…, LABEL_… */
  async take(message: ToProcess): Promise<void> {
    switch (message.type) {
      case 'start':
        this.#source = this.#options.opened.start(this, message)
        return
      case 'lease':
        return this.#waiting.shift()?.(message.lease)
      default:
        this.#options.send({ type: 'answer', answer: await this.#answer(message) })
    }
  }

  next(): Promise<Lease | null> {
    const lease = new Promise<Lease | null>((resolve) => void this.#waiting.push(resolve))
    this.#options.send({ type: 'lease' })
    return lease
  }

  async done(lease: Lease): Promise<void> {
    this.#options.send({ type: 'leaseDone', lease })
  }

  async #answer(question: Question): Promise<Answers[Question['type']]> {
    // The worker asks after `start`.
    const source = this.#source as CalibratingSource
    const { process, shared } = this.#options
    switch (question.type) {
      case 'step':
        return this.#step(source, question.isFresh)
      case 'add':
        shared.addPart(process, question.of)
        return {}
      case 'measure':
        shared.readWeights(this.#weights)
        return { statistics: await source.measure(this.#weights) }
    }
  }

  #stats(source: CalibratingSource): SourceStats {
    return { ...source.stats(), otherRssBytes: this.#options.rssBytes() }
  }

  async #step(source: CalibratingSource, isFresh: boolean): Promise<Answers['step']> {
    const { process, shared, waitedSeconds } = this.#options
    if (isFresh) {
      shared.readWeights(this.#weights)
      source.load(this.#weights)
    }
    const before = waitedSeconds()
    const step = await source.next(this.#gradients)
    if (step && step.batches > 0) shared.writeGradient(process, new Map([...step.gradients, ...step.statistics]))
    return { step: step && described(step, waitedSeconds() - before), stats: this.#stats(source) }
  }
}

function described({ loss, parts, examples, seconds, batches }: StepSum, waitedSeconds: number): ComputedStep {
  return { loss, parts, examples, seconds, finite: batches > 0, waitedSeconds }
}
