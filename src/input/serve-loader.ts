/** The thread of a loader: opens the data set once, then makes a batch for each `wanted` message. */
import { join } from 'node:path'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { AnnotationKind } from '../contract/data-formats.ts'
import type { Lease } from '../contract/exchange.ts'
import type { TaskConfig } from '../contract/runtime.ts'
import type { Dataset } from '../data/dataset.ts'
import type { Label } from '../data/labels.ts'
import { errorCode, errorMessage } from '../support/errors.ts'
import type { Batch, LeaseSource } from './batch.ts'
import { SharedBatchMemory } from './batch-memory.ts'
import { trainingBatches } from './batches.ts'
import { calibrationBatches } from './calibration-batches.ts'
import { CorruptionCount } from './corruption-count.ts'
import { createExampleReader } from './examples.ts'
import type { FromLoader, LoaderSetup, LoaderStart, ToLoader } from './loader-messages.ts'
import { mustHave } from './must-have.ts'
import { openChecked } from './open-checked.ts'
import type { InputPipeline } from './pipeline.ts'

/** What the loader needs to know of tasks. */
export interface TaskInputs {
  annotationsOf(task: TaskConfig): AnnotationKind
  createInput(
    task: TaskConfig,
    data: { labels: readonly Label[]; folder: string },
  ): Promise<InputPipeline<unknown, unknown>>
}

/** Call once in the thread. */
export function serveLoader(tasks: TaskInputs): void {
  const setup = workerData as LoaderSetup
  const corruption = new CorruptionCount(setup.data.maxCorruptRecords)
  const main = new MainThread(parentPort as MessagePort)
  produce(setup, tasks, main, corruption).catch((error) => {
    // A bug reaches the main thread with its stack, through the 'error' event.
    if (errorCode(error) === 'UNKNOWN') throw error
    main.send({
      type: 'error',
      code: errorCode(error),
      message: errorMessage(error),
      corruptRecords: corruption.count,
    })
  })
}

async function produce(
  setup: LoaderSetup,
  tasks: TaskInputs,
  main: MainThread,
  corruption: CorruptionCount,
): Promise<void> {
  const { folder, data, task, batchSize, seed, unitsToCheck, workers, decoders, cacheBytes } = setup
  const where = join(folder, data.path)
  const own = await openChecked(folder, data, tasks.annotationsOf(task), unitsToCheck, corruption)
  const pipelineOf = ({ labels }: Dataset<unknown>) => tasks.createInput(task, { labels: labels.labels, folder: where })
  const { needs } = await pipelineOf(own)
  if (needs && setup.isContentChecked) await mustHave({ dataset: own, need: needs.learning, where, corruption })
  main.send({ type: 'opened', facts: factsOf(own) })
  const { classes, calibrationImages = 0 } = await main.started
  const dataset = classes ? own.withClasses(classes) : own
  const pipeline = await pipelineOf(dataset)
  const reader = createExampleReader(dataset, pipeline.decode, corruption, { decoders, cacheBytes })
  const deliver = async (batch: Batch<unknown>) => {
    await main.wanted()
    main.send({ type: 'batch', batch, corruptRecords: corruption.count })
  }
  for await (const batch of calibrationBatches(reader, pipeline, batchSize, seed, calibrationImages))
    await deliver(batch)
  const options = { workers, memory: main.memory }
  for await (const batch of trainingBatches(reader, pipeline, batchSize, seed, main, options)) await deliver(batch)
  main.send({ type: 'end', corruptRecords: corruption.count })
}

function factsOf({ units, labels, passedOver }: Dataset<unknown>) {
  return { units: units.length, labels: labels.labels, passedOver }
}

/** The connection to the main thread, which decides when a batch is made and has the leases. */
class MainThread implements LeaseSource {
  /** Of batches that the main thread has given back. */
  readonly memory = new SharedBatchMemory()
  readonly #port: MessagePort
  readonly #start = Promise.withResolvers<LoaderStart>()
  /** Batches that were requested and not yet sent. */
  #credits = 0
  #onCredit: (() => void) | undefined
  #onLease: ((lease: Lease | null) => void) | undefined

  constructor(port: MessagePort) {
    this.#port = port
    port.on('message', (message: ToLoader) => this.#take(message))
  }

  /** Resolves when the job has agreed on its classes. */
  get started(): Promise<LoaderStart> {
    return this.#start.promise
  }

  send(message: FromLoader<unknown>): void {
    this.#port.postMessage(message)
  }

  /** Resolves when one more batch may be sent. */
  async wanted(): Promise<void> {
    while (this.#credits === 0) {
      await new Promise<void>((resolve) => {
        this.#onCredit = resolve
      })
    }
    this.#credits--
  }

  next(): Promise<Lease | null> {
    const answer = new Promise<Lease | null>((resolve) => {
      this.#onLease = resolve
    })
    this.send({ type: 'lease' })
    return answer
  }

  async done(lease: Lease): Promise<void> {
    this.send({ type: 'leaseDone', lease })
  }

  #take(message: ToLoader): void {
    if (message.type === 'start') return this.#start.resolve(message)
    if (message.type === 'lease') return this.#onLease?.(message.lease)
    if (message.type === 'recycled') return this.memory.give(message.memory)
    this.#credits++
    this.#onCredit?.()
  }
}
