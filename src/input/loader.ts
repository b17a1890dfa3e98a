/** Batches made in a thread of their own: reading, decoding and augmenting never wait for the training step. */
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Class } from '../contract/classes.ts'
import type { Lease } from '../contract/exchange.ts'
import type { DataConfig, InputConfig } from '../contract/runtime.ts'
import { openSource } from '../data/formats.ts'
import type { Label } from '../data/labels.ts'
import type { PassedOver } from '../data/scan/kinds.ts'
import { DownpourError } from '../support/errors.ts'
import type { Batch, LeaseSource } from './batch.ts'
import { orderedBatches } from './batches.ts'
import { lookInside } from './check-units.ts'
import { CorruptionCount, createExampleReader } from './examples.ts'

export interface LoaderOptions {
  /** The mounted folder that `config.path` is relative to. */
  folder: string
  config: DataConfig
  /** Of the job: labels are mapped onto these by name. Absent: they keep their numbers. */
  classes?: readonly Class[]
  input: InputConfig
  batchSize: number
  seed: number
  leases: LeaseSource
  signal: AbortSignal
  /** Batches made ahead; 2 by default. */
  queueBatches?: number
  /** Decoded images kept in memory; 64 MiB by default. */
  cacheBytes?: number
}

export interface Loader {
  /** Null when the leases have ended. One call at a time. @throws DownpourError BAD_DATA, DATA_…, LABEL_…; AbortError */
  next(): Promise<Batch | null>
  stats(): LoaderStats
  /** Ends the thread; who waits for a batch gets an AbortError. */
  close(): Promise<void>
}

export interface LoaderStats {
  corruptRecords: number
  /** Time that `next` spent waiting. */
  waitSeconds: number
  queuedBatches: number
}

/** What goes into the thread. */
export interface LoaderTask {
  folder: string
  config: DataConfig
  classes?: readonly Class[]
  input: InputConfig
  batchSize: number
  seed: number
  cacheBytes: number
}
export type ToLoader = { type: 'wanted' } | { type: 'lease'; lease: Lease | null }
/** What comes out of it. */
export type FromLoader =
  | { type: 'batch'; batch: Batch; corruptRecords: number }
  | { type: 'lease' }
  | { type: 'leaseDone'; lease: Lease }
  | { type: 'end'; corruptRecords: number }
  | { type: 'error'; code: string; message: string; corruptRecords: number }

const DEFAULT_QUEUE = 2
const DEFAULT_CACHE_BYTES = 64 * 2 ** 20

export interface DataFacts {
  /** As leases count them. */
  units: number
  labels: readonly Label[]
  passedOver: readonly PassedOver[]
}

/**
 * @param most units to look into
 * @throws DownpourError DATA_…, BAD_DATA, LABELS_INVALID, LABEL_UNKNOWN
 */
export async function dataFacts(folder: string, config: DataConfig, most: number): Promise<DataFacts> {
  const source = await openSource(folder, config)
  const { units, labels, passedOver } = source
  await lookInside(source, most, join(folder, config.path), new CorruptionCount(config.maxCorruptRecords))
  return { units: units.length, labels: labels.labels, passedOver }
}

export function createLoader(options: LoaderOptions): Loader {
  return new ThreadedLoader(options)
}

class ThreadedLoader implements Loader {
  readonly #thread: Worker
  readonly #leases: LeaseSource
  readonly #signal: AbortSignal
  readonly #queue: (Batch | null)[] = []
  #waiting: { resolve(batch: Batch | null): void; reject(error: unknown): void } | undefined
  #failure: unknown
  #corruptRecords = 0
  #waitMs = 0

  constructor(options: LoaderOptions) {
    const { folder, config, classes, input, batchSize, seed, cacheBytes = DEFAULT_CACHE_BYTES } = options
    const ofJob = classes ? { classes } : {}
    const workerData: LoaderTask = { folder, config, ...ofJob, input, batchSize, seed, cacheBytes }
    this.#leases = options.leases
    this.#signal = options.signal
    this.#thread = new Worker(new URL('./loader-thread.ts', import.meta.url), { workerData })
    this.#thread.on('message', (message: FromLoader) => this.#take(message))
    this.#thread.on('error', (error) => this.#fail(error))
    this.#thread.on('exit', () => this.#fail(new DownpourError('LOADER_ENDED', 'the loader thread ended by itself')))
    if (this.#signal.aborted) this.#onAbort()
    else this.#signal.addEventListener('abort', this.#onAbort, { once: true })
    for (let i = 0; i < (options.queueBatches ?? DEFAULT_QUEUE); i++) this.#send({ type: 'wanted' })
  }

  async next(): Promise<Batch | null> {
    const startedMs = performance.now()
    const batch = this.#queue.length > 0 ? this.#queue.shift() : await this.#wait()
    this.#waitMs += performance.now() - startedMs
    if (batch) this.#send({ type: 'wanted' })
    else this.#queue.push(null) // the end stays the end
    return batch ?? null
  }

  stats(): LoaderStats {
    return { corruptRecords: this.#corruptRecords, waitSeconds: this.#waitMs / 1000, queuedBatches: this.#queue.length }
  }

  async close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#onAbort)
    this.#fail(new DOMException('the loader was closed', 'AbortError'))
    await this.#thread.terminate()
  }

  readonly #onAbort = () => this.#fail(this.#signal.reason)

  #wait(): Promise<Batch | null> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }

  #send(message: ToLoader): void {
    this.#thread.postMessage(message)
  }

  #take(message: FromLoader): void {
    if ('corruptRecords' in message) this.#corruptRecords = message.corruptRecords
    switch (message.type) {
      case 'batch':
        this.#deliver(message.batch)
        break
      case 'end':
        this.#deliver(null)
        break
      case 'lease':
        this.#answer(this.#leases.next().then((lease) => this.#send({ type: 'lease', lease })))
        break
      case 'leaseDone':
        this.#answer(this.#leases.done(message.lease))
        break
      case 'error':
        this.#fail(new DownpourError(message.code, message.message))
    }
  }

  #answer(work: Promise<void>): void {
    work.catch((error) => this.#fail(this.#signal.aborted ? this.#signal.reason : error))
  }

  #deliver(batch: Batch | null): void {
    if (this.#waiting) this.#waiting.resolve(batch)
    else this.#queue.push(batch)
    this.#waiting = undefined
  }

  #fail(error: unknown): void {
    this.#failure ??= error
    this.#waiting?.reject(this.#failure)
    this.#waiting = undefined
  }
}

/** Every example of a set once, in order, centre crops: the same batches at every call. */
export async function* evaluationBatches(options: {
  folder: string
  config: DataConfig
  classes?: readonly Class[] | undefined
  /** Of the model: without `classes`, the most labels that the set may have. */
  outputs?: number
  input: InputConfig
  batchSize: number
  maxExamples?: number
}): AsyncGenerator<Batch> {
  const { folder, config, classes, outputs, input, batchSize, maxExamples } = options
  const source = await openSource(folder, config, classes)
  if (outputs !== undefined && source.labels.size > outputs) {
    const message = `${join(folder, config.path)}: the evaluation set has ${source.labels.size} labels, spec.model.classes is ${outputs}`
    throw new DownpourError('LABELS_TOO_MANY', message, { labels: source.labels.size })
  }
  const corruption = new CorruptionCount(config.maxCorruptRecords)
  const reader = createExampleReader(source, input.resizePixels, corruption)
  yield* orderedBatches(reader, input, batchSize, maxExamples)
}
