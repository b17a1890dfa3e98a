/** Makes batches in a separate thread, so that reading, decoding and augmenting run during the training step. */
import { Worker } from 'node:worker_threads'
import { DownpourError } from '../support/errors.ts'
import type { Batch, LeaseSource } from './batch.ts'
import type { DataFacts, FromLoader, LoaderSetup, LoaderStart, ToLoader } from './loader-messages.ts'

export interface LoaderOptions extends Omit<LoaderSetup, 'cacheBytes'> {
  /** The module of the thread. It calls `serveLoader` with the pipelines of the tasks. */
  thread: URL
  signal: AbortSignal
  /** Batches made ahead; 2 by default. */
  queueBatches?: number
  /** Decoded pictures kept in memory; 64 MiB by default. */
  cacheBytes?: number
}

/** A loader whose thread has opened the data set and waits for `start`. */
export interface OpenLoader<T> {
  readonly facts: DataFacts
  /** With the classes of the job, labels are mapped onto these by name. */
  start(leases: LeaseSource, start?: LoaderStart): Loader<T>
  /** Ends the thread; a caller that waits for a batch gets an AbortError. */
  close(): Promise<void>
}

export interface Loader<T> {
  /** Null after the last lease. One call at a time. @throws DownpourError BAD_DATA, DATA_…, LABEL_…; AbortError */
  next(): Promise<Batch<T> | null>
  /** Lets later batches use the memory of this one, whose images must not be read afterwards. */
  recycle(batch: Batch<T>): void
  stats(): LoaderStats
}

export interface LoaderStats {
  corruptRecords: number
  queuedBatches: number
}

const DEFAULT_QUEUE = 2
const DEFAULT_CACHE_BYTES = 64 * 2 ** 20

/** @throws DownpourError DATA_…, BAD_DATA, LABELS_INVALID, LABEL_UNKNOWN; AbortError */
export async function openLoader<T>(options: LoaderOptions): Promise<OpenLoader<T>> {
  const loader = new ThreadedLoader<T>(options)
  try {
    const facts = await loader.opened
    return { facts, start: (leases, start = {}) => loader.start(leases, start), close: () => loader.close() }
  } catch (error) {
    await loader.close()
    throw error
  }
}

class ThreadedLoader<T> implements Loader<T> {
  readonly #thread: Worker
  readonly #signal: AbortSignal
  readonly #queueBatches: number
  readonly #opened = Promise.withResolvers<DataFacts>()
  readonly #queue: (Batch<T> | null)[] = []
  #leases: LeaseSource | undefined
  #waiting: { resolve(batch: Batch<T> | null): void; reject(error: unknown): void } | undefined
  #failure: unknown
  #corruptRecords = 0

  constructor(options: LoaderOptions) {
    const { thread, signal, queueBatches = DEFAULT_QUEUE, cacheBytes = DEFAULT_CACHE_BYTES, ...setup } = options
    const workerData: LoaderSetup = { ...setup, cacheBytes }
    this.#signal = signal
    this.#queueBatches = queueBatches
    this.#thread = new Worker(thread, { workerData, name: 'loader' })
    this.#thread.on('message', (message: FromLoader<T>) => this.#take(message))
    this.#thread.on('error', (error) => this.#fail(error))
    this.#thread.on('exit', () =>
      this.#fail(new DownpourError('LOADER_ENDED', 'the loader thread exited unexpectedly')),
    )
    this.#opened.promise.catch(() => {})
    if (signal.aborted) this.#onAbort()
    else signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  get opened(): Promise<DataFacts> {
    return this.#opened.promise
  }

  start(leases: LeaseSource, start: LoaderStart): this {
    this.#leases = leases
    this.#send({ type: 'start', ...start })
    for (let i = 0; i < this.#queueBatches; i++) this.#send({ type: 'wanted' })
    return this
  }

  async next(): Promise<Batch<T> | null> {
    const batch = this.#queue.length > 0 ? this.#queue.shift() : await this.#wait()
    if (batch) this.#send({ type: 'wanted' })
    else this.#queue.push(null) // every later call gets null, too
    return batch ?? null
  }

  recycle({ images }: Batch<T>): void {
    if (images.buffer instanceof SharedArrayBuffer) this.#send({ type: 'recycled', memory: images.buffer })
  }

  stats(): LoaderStats {
    return { corruptRecords: this.#corruptRecords, queuedBatches: this.#queue.length }
  }

  async close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#onAbort)
    this.#fail(new DOMException('the loader was closed', 'AbortError'))
    await this.#thread.terminate()
  }

  readonly #onAbort = () => this.#fail(this.#signal.reason)

  #wait(): Promise<Batch<T> | null> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }

  #send(message: ToLoader): void {
    this.#thread.postMessage(message)
  }

  #take(message: FromLoader<T>): void {
    if ('corruptRecords' in message) this.#corruptRecords = message.corruptRecords
    switch (message.type) {
      case 'opened':
        this.#opened.resolve(message.facts)
        break
      case 'batch':
        this.#deliver(message.batch)
        break
      case 'end':
        this.#deliver(null)
        break
      case 'lease':
        this.#answer(async (leases) => this.#send({ type: 'lease', lease: await leases.next() }))
        break
      case 'leaseDone':
        this.#answer((leases) => leases.done(message.lease))
        break
      case 'error':
        this.#fail(new DownpourError(message.code, message.message))
    }
  }

  /** The thread asks for leases only after `start`. */
  #answer(work: (leases: LeaseSource) => Promise<void>): void {
    work(this.#leases as LeaseSource).catch((error) => this.#fail(this.#signal.aborted ? this.#signal.reason : error))
  }

  #deliver(batch: Batch<T> | null): void {
    if (this.#waiting) this.#waiting.resolve(batch)
    else this.#queue.push(batch)
    this.#waiting = undefined
  }

  #fail(error: unknown): void {
    this.#failure ??= error
    this.#opened.reject(this.#failure)
    this.#waiting?.reject(this.#failure)
    this.#waiting = undefined
  }
}
