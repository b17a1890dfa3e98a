/** Runs of one worker, the program of `downpour worker`, and one parameter server in another process. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeClasses } from '../../src/contract/classes.ts'
import { createWorkerMetrics } from '../../src/metrics/worker.ts'
import { silentLog } from '../../src/support/log.ts'
import type { Task } from '../../src/tasks/task.ts'
import { makeLayout } from '../../src/wire/layout.ts'
import { connectShards } from '../../src/worker/client.ts'
import { trainingLoop } from '../../src/worker/loop.ts'
import { Reporter } from '../../src/worker/report.ts'
import { createStepper, type Stepper } from '../../src/worker/step.ts'
import { singleSteps } from '../../src/worker/step-source.ts'
import { config } from '../exchange/model.ts'
import { end, startServer } from '../exchange/processes.ts'
import { sum } from '../figures.ts'
import { batchesOf, type Case, taskOf, weightsOf } from '../step/cases.ts'

export interface Times {
  /** Of a step: from the end of the one before to its own end. */
  readonly stepSeconds: number
  /** Of forward and backward pass, until the gradients are read. */
  readonly computeSeconds: number
}

export interface Worker {
  /** Trains for so many measured steps. */
  train(prefetch: boolean, steps: number): Promise<Times>
  /** Computes so many steps without any exchange. */
  compute(steps: number): Promise<Times>
  close(): Promise<void>
}

/** Before the measured ones: the first step of a run waits for the first weights. */
const UNMEASURED = 2
/** A recorded graph begins with the third step. */
const RECORDING = 3

export async function startWorker(one: Case): Promise<Worker> {
  const folder = await mkdtemp(join(tmpdir(), 'downpour-bench-overlap-'))
  const { child, port } = await startServer('downpour-server.ts', [folder])
  const task = await taskOf(one)
  const stepper = createStepper(task, { graph: 'auto', log: silentLog })
  const weights = weightsOf(task.variables)
  stepper.load(weights)
  const images = loaderOf(one, RECORDING)
  for (let batch = await images.next(); batch; batch = await images.next()) await stepper.step(batch)
  const gradients = new Map([...weights].map(([name, { length }]) => [name, new Float32Array(length)]))
  let pods = 0
  return {
    async train(prefetch, steps) {
      const timed = new TimedStepper(stepper)
      const client = await connect(task, port, pods++, prefetch)
      await trainingLoop({
        config: { ...config, async: { ...config.async, prefetch } },
        client,
        source: singleSteps({ loader: loaderOf(one, UNMEASURED + steps), stepper: timed }),
        report: new Reporter(0, createWorkerMetrics({ tensors: () => 0 }), silentLog),
        signal: new AbortController().signal,
        log: silentLog,
      })
      await client.close()
      return timed.times()
    },
    async compute(steps) {
      stepper.load(weights)
      const timed = new TimedStepper(stepper)
      const loader = loaderOf(one, UNMEASURED + steps)
      for (let batch = await loader.next(); batch; batch = await loader.next()) await timed.step(batch, gradients)
      return timed.times()
    },
    async close() {
      stepper.dispose()
      await end(child)
      await rm(folder, { recursive: true })
    },
  }
}

/** Each run is another pod, because sequence numbers of pushes begin anew. */
function connect({ variables }: Task, port: number, attempt: number, overlap: boolean) {
  return connectShards({
    hosts: [`127.0.0.1:${port}`],
    port: 0,
    identity: { index: 0, podUid: `worker-0-${attempt}`, attempt },
    jobUid: config.job.uid,
    layout: makeLayout(variables),
    overlap,
    dataUnits: 1,
    classes: encodeClasses([]),
    signal: new AbortController().signal,
    log: silentLog,
  })
}

function loaderOf(one: Case, count: number) {
  const batches = batchesOf(one)
  const shape = [one.batch, one.pixels, one.pixels] as const
  let taken = 0
  return {
    next: async () => (taken < count ? { ...batches[taken++ % 2 === 0 ? 0 : 1], shape, ids: [] } : null),
    recycle: () => {},
    stats: () => ({ corruptRecords: 0, queuedBatches: 0 }),
  }
}

/** Notes when each step ends, and how long it computed. */
class TimedStepper implements Stepper {
  readonly #stepper: Stepper
  readonly #endsMs: number[] = []
  readonly #computeSeconds: number[] = []

  constructor(stepper: Stepper) {
    this.#stepper = stepper
  }

  load(weights: ReadonlyMap<string, Float32Array>): void {
    this.#stepper.load(weights)
  }

  async step(...[batch, into]: Parameters<Stepper['step']>): ReturnType<Stepper['step']> {
    const result = await this.#stepper.step(batch, into)
    this.#endsMs.push(performance.now())
    this.#computeSeconds.push(result.seconds)
    return result
  }

  dispose(): void {}

  times(): Times {
    const [before = 0, ...ends] = this.#endsMs.slice(UNMEASURED - 1)
    const seconds = ((ends.at(-1) ?? 0) - before) / 1000
    return {
      stepSeconds: seconds / ends.length,
      computeSeconds: sum(this.#computeSeconds.slice(UNMEASURED)) / ends.length,
    }
  }
}
