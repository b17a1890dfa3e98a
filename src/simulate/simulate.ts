/**
 * A discrete-event simulation of a job: workers that pull, compute and push, and parameter servers, each with one thread
 * and one network card. Pure and deterministic. docs/plan.md says what it leaves out.
 */
import { Network } from './network.ts'
import { Simulation } from './process.ts'
import { Resource } from './resource.ts'
import type { Scenario } from './scenario.ts'
import { SimulatedServer } from './server.ts'
import { SimulatedWorker, type StepSeconds } from './worker.ts'

/** Steps of each worker that are not measured, because the queues fill during them. */
const WARM_UP_STEPS = 6
const MEASURED_STEPS = 20
/** Fewer workers take more steps, so that the 99th percentile of the staleness is not that of a few. */
const MIN_PUSHES = 500

export interface SimulationOptions {
  /** Whether a checkpoint begins with the measured steps, which then last at least as long as it. */
  withCheckpoint?: boolean
}

export interface Outcome {
  /** Updates of parameter server 0: global steps. */
  readonly stepsPerSecond: number
  /** Pushes that were not refused. They are the steps, unless several make one update. */
  readonly pushesPerSecond: number
  readonly staleness: { readonly mean: number; readonly p99: number; readonly max: number }
  /** Pushes that were refused as too stale, as a share of all. */
  readonly refusedShare: number
  /** Mean seconds of a step of a worker. */
  readonly step: Readonly<StepSeconds>
  /** Shares of the time. Of parameter servers and hosts: those of the busiest one. */
  readonly busy: {
    readonly serverThread: number
    readonly serverReceives: number
    readonly serverSends: number
    readonly workerReceives: number
    readonly workerSends: number
  }
  /** The most that bodies of pushes and pulls took on one server. */
  readonly peakBodyBytes: number
  readonly measured: { readonly seconds: number; readonly steps: number; readonly checkpointSeconds: number }
}

export function simulate(scenario: Scenario, { withCheckpoint = false }: SimulationOptions = {}): Outcome {
  const run = new Run(scenario)
  const pushesOf = (steps: number) => Math.ceil((steps * scenario.workers) / scenario.worker.pushEvery)
  run.until(pushesOf(WARM_UP_STEPS))
  run.measure()
  if (withCheckpoint) run.save()
  run.until(Math.max(MIN_PUSHES, pushesOf(MEASURED_STEPS)))
  return run.outcome()
}

interface Measurement {
  seconds: number
  version: number
  busy: readonly number[]
}

class Run {
  readonly #simulation = new Simulation()
  readonly #servers: readonly SimulatedServer[]
  readonly #workers: readonly SimulatedWorker[]
  readonly #scenario: Scenario
  readonly #disk: Resource
  #staleness: number[] = []
  #refused = 0
  #steps: StepSeconds[] = []
  #from: Measurement = { seconds: 0, version: 0, busy: [] }
  #checkpointSeconds = 0
  #isSaving = false

  constructor(scenario: Scenario) {
    this.#scenario = scenario
    const network = new Network(this.#simulation, scenario.network)
    this.#disk = new Resource(this.#simulation)
    this.#servers = scenario.servers.map(
      (work, index) => new SimulatedServer(index, work, scenario.synchrony, this.#simulation, network),
    )
    const observer = {
      onStep: (seconds: StepSeconds) => void this.#steps.push(seconds),
      onPush: (staleness: number | undefined) => this.#onPush(staleness),
    }
    this.#workers = Array.from(
      { length: scenario.workers },
      (_, index) => new SimulatedWorker(index, scenario, this.#servers, this.#simulation, observer),
    )
    for (const worker of this.#workers) this.#simulation.start(worker.train())
  }

  /** Continues until so many pushes are applied, and no checkpoint is being saved. */
  until(pushes: number): void {
    this.#simulation.run(() => this.#staleness.length >= pushes && !this.#isSaving)
  }

  /** Forgets what was measured, and measures from now on. */
  measure(): void {
    this.#staleness = []
    this.#steps = []
    this.#refused = 0
    this.#from = { seconds: this.#simulation.nowSeconds, version: this.#version, busy: this.#busySeconds() }
  }

  save(): void {
    this.#isSaving = true
    const { nowSeconds } = this.#simulation
    const shards = this.#servers.map((server) => server.save(this.#disk, this.#scenario.diskBytesPerSecond))
    this.#simulation.start(this.#simulation.all(shards)).onFired(() => {
      this.#isSaving = false
      this.#checkpointSeconds = this.#simulation.nowSeconds - nowSeconds
    })
  }

  outcome(): Outcome {
    const seconds = this.#simulation.nowSeconds - this.#from.seconds
    const steps = this.#version - this.#from.version
    const pushes = this.#staleness.length
    return {
      stepsPerSecond: steps / seconds,
      pushesPerSecond: pushes / seconds,
      staleness: summaryOf(this.#staleness),
      refusedShare: this.#refused / (this.#refused + pushes),
      step: meanOf(this.#steps),
      busy: this.#busyShares(seconds),
      peakBodyBytes: Math.max(...this.#servers.map(({ peakBodyBytes }) => peakBodyBytes)),
      measured: { seconds, steps, checkpointSeconds: this.#checkpointSeconds },
    }
  }

  /** The step of the job. */
  get #version(): number {
    return this.#servers[0]?.version ?? 0
  }

  #onPush(staleness: number | undefined): void {
    if (staleness === undefined) this.#refused++
    else this.#staleness.push(staleness)
  }

  #busyShares(seconds: number): Outcome['busy'] {
    const shares = this.#busySeconds().map((busy, i) => (busy - (this.#from.busy[i] as number)) / seconds)
    const servers = this.#servers.length
    const most = (from: number, count: number) => Math.max(...shares.slice(from, from + count))
    return {
      serverThread: most(0, servers),
      serverReceives: most(servers, servers),
      serverSends: most(2 * servers, servers),
      workerReceives: most(3 * servers, this.#workers.length),
      workerSends: most(3 * servers + this.#workers.length, this.#workers.length),
    }
  }

  /** Of the threads, then the received, then the sent bytes of all servers; then of the cards of all workers. */
  #busySeconds(): number[] {
    const servers = this.#servers.map(({ host }) => host)
    const workers = this.#workers.map(({ host }) => host)
    const resources = [
      ...servers.map(({ thread }) => thread),
      ...servers.map(({ down }) => down),
      ...servers.map(({ up }) => up),
      ...workers.map(({ down }) => down),
      ...workers.map(({ up }) => up),
    ]
    return resources.map(({ busySeconds }) => busySeconds)
  }
}

function summaryOf(values: readonly number[]): Outcome['staleness'] {
  const sorted = values.toSorted((a, b) => a - b)
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length
  return { mean, p99: sorted[Math.ceil(0.99 * sorted.length) - 1] ?? 0, max: sorted.at(-1) ?? 0 }
}

function meanOf(steps: readonly StepSeconds[]): StepSeconds {
  const mean = (part: keyof StepSeconds) => steps.reduce((sum, step) => sum + step[part], 0) / steps.length
  return { pull: mean('pull'), input: mean('input'), compute: mean('compute'), push: mean('push') }
}
