/** A simulated worker: the training loop of src/worker/loop.ts with times instead of tensors. */
import { createRandom, type Random, seedOf } from '../support/random.ts'
import { drawSeconds } from './draw-seconds.ts'
import { Host } from './network.ts'
import type { Process, Signal, Simulation } from './process.ts'
import type { Scenario, WorkerWork } from './scenario.ts'
import type { Caller, SimulatedServer } from './server.ts'

/** Batches made ahead. */
const QUEUED_BATCHES = 2

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
  #have: Versions
  /** Set while the next weights are being pulled. */
  #pulling: Signal | undefined

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
    this.#have = servers.map(() => undefined)
  }

  /** Never ends. */
  *train(): Process {
    const { computeSeconds, fetchEvery, pushEvery, prefetch } = this.#work
    // Workers do not start together: they would stay in step if every step took the same time.
    yield this.#random.next() * computeSeconds.mean
    let base: Versions = this.#have
    let mustPull = true
    for (let step = 0; ; step++) {
      const seconds: StepSeconds = { pull: 0, input: 0, compute: 0, push: 0 }
      if (mustPull || step % fetchEvery === 0) seconds.pull = yield* this.#timed(this.#pulled())
      if (step % pushEvery === 0) base = this.#have
      if (prefetch && (step + 1) % fetchEvery === 0) this.#pulling = this.#simulation.start(this.#pull())
      seconds.input = yield* this.#timed(this.#nextBatch())
      seconds.compute = drawSeconds(computeSeconds, this.#random)
      yield seconds.compute
      mustPull = false
      if ((step + 1) % pushEvery === 0) {
        const startedSeconds = this.#simulation.nowSeconds
        const staleness = yield* this.#push(base)
        seconds.push = this.#simulation.nowSeconds - startedSeconds
        mustPull = staleness === undefined
        this.#observer.onPush(staleness)
      }
      this.#observer.onStep(seconds)
    }
  }

  *#timed(process: Process): Process<number> {
    const startedSeconds = this.#simulation.nowSeconds
    yield* process
    return this.#simulation.nowSeconds - startedSeconds
  }

  /** Waits for a pull that is under way, or pulls. */
  *#pulled(): Process {
    const pulling = this.#pulling
    this.#pulling = undefined
    if (pulling) yield pulling
    else yield* this.#pull()
  }

  /** Parameter server 0 first, as the client does, then the others side by side. */
  *#pull(): Process {
    const arrived = [...this.#have]
    const pullFrom = (shard: number) => this.#pullFrom(shard, arrived)
    const others = this.#servers.map((_, shard) => shard).slice(1)
    yield* pullFrom(0)
    yield* this.#simulation.all(others.map(pullFrom))
    this.#have = arrived
  }

  *#pullFrom(shard: number, arrived: (number | undefined)[]): Process {
    const server = this.#servers[shard] as SimulatedServer
    const receiveSeconds = server.work.pullBytes * this.#work.receiveSecondsPerByte
    arrived[shard] = yield* server.pull(this, this.#have[shard], receiveSeconds)
  }

  /** @returns the staleness at parameter server 0 */
  *#push(base: Versions): Process<number | undefined> {
    const staleness: (number | undefined)[] = []
    yield* this.#simulation.all(this.#servers.map((_, shard) => this.#pushTo(shard, base, staleness)))
    return staleness[0]
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
