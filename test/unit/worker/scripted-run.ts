/** Runs the training loop over a scripted parameter server and a scripted step, and records every call in order. */
import { setImmediate as arrival } from 'node:timers/promises'
import type { PushResult } from '../../../src/contract/exchange.ts'
import { createWorkerMetrics } from '../../../src/metrics/worker.ts'
import { silentLog } from '../../../src/support/log.ts'
import type { WeightsBase } from '../../../src/worker/buffers.ts'
import type { PullResult, PushRequest } from '../../../src/worker/client.ts'
import { trainingLoop } from '../../../src/worker/loop.ts'
import { Reporter } from '../../../src/worker/report.ts'
import type { Stepper } from '../../../src/worker/step.ts'
import { type StepSource, singleSteps } from '../../../src/worker/step-source.ts'
import { makeConfig } from '../ps/fixtures.ts'

export interface Script {
  /** Batches of data. */
  steps: number
  fetchEvery?: number
  pushEvery?: number
  prefetch?: boolean
  /** Of the pushes, in order; then applied. */
  results?: readonly PushResult[]
  /** Steps whose gradients are not finite. */
  badSteps?: readonly number[]
  /** Gradients that each step leaves out of its sum, besides one that is finite. */
  leftOut?: number
  /** The job is done after so many applied pushes. */
  maxSteps?: number
  /** Called while a step is computed: it is over when this resolves. */
  whileComputing?: (step: number, run: ScriptedRun) => Promise<void>
  /** Called when a pull is requested: it is answered when this resolves. */
  beforeWeights?: (pull: number, run: ScriptedRun) => Promise<void>
}

export class ScriptedRun {
  /** In order: pull, weights, load, step, stepped, push, pushed, each with a number. */
  readonly calls: string[] = []
  /** Sum of the gradients of each push (10 to the power of the step), with the weights that it names. */
  readonly pushed: { gradient: number; version: number; incarnation: number }[] = []
  readonly #waiting = new Map<string, PromiseWithResolvers<void>>()

  note(call: string): void {
    this.calls.push(call)
    this.#waiting.get(call)?.resolve()
  }

  /** Resolves when the call was made. */
  async seen(call: string): Promise<void> {
    const waiting = this.#waiting.get(call) ?? Promise.withResolvers<void>()
    this.#waiting.set(call, waiting)
    if (!this.calls.includes(call)) await waiting.promise
  }
}

export async function runScript(script: Script, run = new ScriptedRun()): Promise<ScriptedRun> {
  const { steps, fetchEvery = 1, pushEvery = 1, prefetch = false, maxSteps = 1000 } = script
  const { async: how, maxNonFinite } = makeConfig()
  const server = new ScriptedServer(script, run, maxSteps)
  let taken = 0
  const batch = { images: new Float32Array(0), shape: [1, 0, 0] as const, targets: [{ labels: [] }], ids: ['a'] }
  await trainingLoop({
    config: { async: { ...how, fetchEvery, pushEvery, prefetch }, maxNonFinite },
    client: server,
    source: withoutSome(
      script,
      singleSteps({
        loader: {
          next: async () => (taken++ < steps ? batch : null),
          recycle: () => {},
          stats: () => ({ corruptRecords: 0, queuedBatches: 0 }),
        },
        stepper: scriptedStepper(script, run),
      }),
    ),
    report: new Reporter(0, createWorkerMetrics({ tensors: () => 0 }), silentLog),
    signal: new AbortController().signal,
    log: silentLog,
  })
  return run
}

/** A source of several processes, of which some have gradients that are not finite. */
function withoutSome({ leftOut = 0 }: Script, source: StepSource): StepSource {
  return {
    ...source,
    async next(into) {
      const step = await source.next(into)
      return step && { ...step, nonFinite: step.nonFinite + leftOut }
    },
  }
}

/** One shard with one weight. Its version counts the applied pushes; a push with the result incarnation finds it restarted. */
class ScriptedServer {
  done = false
  readonly outgoing = new Map()
  readonly #script: Script
  readonly #run: ScriptedRun
  readonly #maxSteps: number
  #incarnation = 7
  #version = 0
  #pulls = 0
  #pushes = 0
  #pulled = ''

  constructor(script: Script, run: ScriptedRun, maxSteps: number) {
    this.#script = script
    this.#run = run
    this.#maxSteps = maxSteps
  }

  async pull(): Promise<PullResult> {
    const pull = this.#pulls++
    this.#run.note(`pull ${pull}`)
    await arrival()
    await this.#script.beforeWeights?.(pull, this.#run)
    this.done ||= this.#version >= this.#maxSteps
    const base: WeightsBase = [{ incarnation: this.#incarnation, version: this.#version }]
    const changed = this.#pulled !== JSON.stringify(base)
    this.#pulled = JSON.stringify(base)
    this.#run.note(`weights ${pull}`)
    return { step: this.#version, base, weights: new Map([['w', Float32Array.of(this.#version)]]), changed }
  }

  async push({ gradients, base }: PushRequest) {
    const push = this.#pushes++
    const gradient = gradients.get('w')?.[0] ?? Number.NaN
    this.#run.pushed.push({ gradient, ...(base[0] as WeightsBase[number]) })
    this.#run.note(`push ${push}`)
    await arrival()
    const isDone = this.#version >= this.#maxSteps
    const result: PushResult = isDone ? 'done' : (this.#script.results?.[push] ?? 'applied')
    if (result === 'applied') this.#version++
    if (result === 'incarnation') this.#incarnation++
    this.done ||= isDone
    this.#run.note(`pushed ${push}`)
    return { result, step: this.#version }
  }
}

function scriptedStepper({ badSteps = [], whileComputing }: Script, run: ScriptedRun): Stepper {
  let steps = 0
  return {
    load: (weights) => run.note(`load ${weights.get('w')?.[0]}`),
    async step() {
      const step = steps++
      run.note(`step ${step}`)
      await whileComputing?.(step, run)
      run.note(`stepped ${step}`)
      const gradients = new Map([['w', Float32Array.of(10 ** step)]])
      const finite = !badSteps.includes(step)
      return { loss: 1, parts: {}, gradients, statistics: new Map(), examples: 1, finite, seconds: 0 }
    },
    dispose() {},
  }
}
