/** A simulated worker: src/worker/loop.ts and exchange.ts with times instead of tensors. */

import { createRandom, type Random, seedOf } from '../support/random.ts'
import { PullTiming } from '../worker/pull-timing.ts'
import { drawSeconds } from './draw-seconds.ts'
import { Host } from './network.ts'
import { type Process, Signal, type Simulation } from './process.ts'
import type { Scenario, WorkerWork } from './scenario.ts'
import type { Caller, SimulatedServer } from './server.ts'

/** Batches made ahead. */
const QUEUED_BATCHES = 2

/** Of a second. */
const MS = 1000

/** Seconds of a step by what the worker waits for. */
export interface StepSeconds {
  pull: number
  input: number
  compute: number
  push: number
}

export interface WorkerObserver {
  onStep(seconds: StepSeconds): void
  /** @param staleness undefined: the push was refused */
  onPush(staleness: number | undefined): void
}

type Versions = readonly (number | undefined)[]

export class SimulatedWorker implements Caller {
  readonly index: number
  readonly host: Host
  readonly #work: WorkerWork
  readonly #servers: readonly SimulatedServer[]
  readonly #simulation: Simulation
  readonly #observer: WorkerObserver
  readonly #random: Random
  /** Of the batches that the loader has made or is making. */
  readonly #readyAtSeconds: number[] = []
  /** Of the last pull, and of the buffer that the next pull fills; without prefetch there is one buffer. */
  #have: Versions
  #had: Versions
  #mustPull = true
  /** With prefetch: the weights of a gradient that is to be sent, and the exchange during the present step. */
  #unsent: Versions | undefined
  #underWay: Signal | undefined
  readonly #timing = new PullTiming()
  #stepBeganSeconds = 0
  #stepOver = new Signal()

  constructor(
    index: number,
    { worker, seed }: Scenario,
    servers: readonly SimulatedServer[],
    simulation: Simulation,
    observer: WorkerObserver,
  ) {
    this.index = index
    this.host = new Host(simulation)
    this.#work = worker
    this.#servers = servers
    this.#simulation = simulation
    this.#observer = observer
    // Its own seed: one more worker changes no draw of the others.
    this.#random = createRandom(seedOf(seed, 'worker', index))
    this.#have = this.#had = servers.map(() => undefined)
  }

  /** Never ends. */
  *train(): Process {
    const { computeSeconds, pushEvery, prefetch } = this.#work
    // Workers do not start together: they would stay in step if every step took the same time.
    yield this.#random.next() * computeSeconds.mean
    let base: Versions = this.#have
    for (let step = 0; ; step++) {
      const seconds: StepSeconds = { pull: 0, input: 0, compute: 0, push: 0 }
      seconds.pull = yield* this.#timed(this.#weightsFor(step))
      if (step % pushEvery === 0) base = this.#have
      if (prefetch) this.#exchangeBefore(step + 1)
      seconds.input = yield* this.#timed(this.#nextBatch())
      seconds.compute = this.#computeSeconds()
      yield seconds.compute
      if ((step + 1) % pushEvery === 0) {
        if (prefetch) this.#unsent = base
        else seconds.push = yield* this.#timed(this.#push(base))
      }
      this.#observer.onStep(seconds)
    }
  }

  /** Until the slowest process has computed, and the gradients are summed up. */
  #computeSeconds(): number {
    const { computeSeconds, processes, sharingSeconds } = this.#work
    const drawn = Array.from({ length: processes }, () => drawSeconds(computeSeconds, this.#random))
    return Math.max(...drawn) + sharingSeconds
  }

  /** Waits for the exchange during the step before, or pulls. */
  *#weightsFor(step: number): Process {
    if (this.#underWay) {
      this.#timing.noteStep(MS * (this.#simulation.nowSeconds - this.#stepBeganSeconds))
      this.#stepOver.fire()
      yield this.#underWay
    } else if (this.#mustPull || step % this.#work.fetchEvery === 0) yield* this.#pull()
  }

  #exchangeBefore(nextStep: number): void {
    this.#stepBeganSeconds = this.#simulation.nowSeconds
    this.#stepOver = new Signal()
    this.#underWay = this.#simulation.start(this.#exchange(nextStep))
  }

  *#exchange(nextStep: number): Process {
    const base = this.#unsent
    this.#unsent = undefined
    if (base) yield* this.#push(base)
    if (!this.#mustPull && nextStep % this.#work.fetchEvery !== 0) return
    yield* this.#untilLate()
    this.#timing.notePull(MS * (yield* this.#timed(this.#pull())))
  }

  /** Until the pull should begin, or the step is over. */
  *#untilLate(): Process {
    const startSeconds = this.#stepBeganSeconds + this.#timing.startMs / MS
    const late = new Signal()
    this.#stepOver.onFired(() => late.fire())
    this.#simulation.start(seconds(startSeconds - this.#simulation.nowSeconds)).onFired(() => late.fire())
    yield late
  }

  *#timed(process: Process): Process<number> {
    const startedSeconds = this.#simulation.nowSeconds
    yield* process
    return this.#simulation.nowSeconds - startedSeconds
  }

  /** Parameter server 0 first, as the client does, then the others side by side. */
  *#pull(): Process {
    const had = this.#work.prefetch ? this.#had : this.#have
    const arrived = [...had]
    const pullFrom = (shard: number) => this.#pullFrom(shard, arrived)
    const others = this.#servers.map((_, shard) => shard).slice(1)
    yield* pullFrom(0)
    yield* this.#simulation.all(others.map(pullFrom))
    this.#had = this.#have
    this.#have = arrived
    this.#mustPull = false
  }

  *#pullFrom(shard: number, arrived: (number | undefined)[]): Process {
    const server = this.#servers[shard] as SimulatedServer
    const receiveSeconds = server.work.pullBytes * this.#work.receiveSecondsPerByte
    arrived[shard] = yield* server.pull(this, arrived[shard], receiveSeconds)
  }

  *#push(base: Versions): Process {
    const staleness: (number | undefined)[] = []
    yield* this.#simulation.all(this.#servers.map((_, shard) => this.#pushTo(shard, base, staleness)))
    // Parameter server 0 decides whether a push counts.
    this.#mustPull = staleness[0] === undefined
    this.#observer.onPush(staleness[0])
  }

  *#pushTo(shard: number, base: Versions, staleness: (number | undefined)[]): Process {
    const server = this.#servers[shard] as SimulatedServer
    yield* this.host.thread.use(server.work.pushBytes * this.#work.sendSecondsPerByte)
    staleness[shard] = yield* server.push(this, base[shard] ?? 0, this.#work.maxStaleness)
  }

  /** The loader makes batches one after another, at most QUEUED_BATCHES ahead of the step. */
  *#nextBatch(): Process {
    const { nowSeconds } = this.#simulation
    const { inputSeconds } = this.#work
    const queue = this.#readyAtSeconds
    while (queue.length < QUEUED_BATCHES) queue.push((queue.at(-1) ?? nowSeconds) + inputSeconds)
    const takenSeconds = Math.max(nowSeconds, queue.shift() as number)
    queue.push(Math.max(takenSeconds, queue.at(-1) as number) + inputSeconds)
    yield takenSeconds - nowSeconds
  }
}

function* seconds(wait: number): Process {
  yield wait
}
