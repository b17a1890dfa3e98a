/** Hosts with one network card each, connected by a switch that is never full. */
import type { Process, Simulation } from './process.ts'
import { Resource } from './resource.ts'

export interface NetworkCosts {
  /** Of a host, in each direction. */
  readonly bytesPerSecond: number
  /** One way. */
  readonly latencySeconds: number
}

/** In which a pull comes between pushes. So many give the staleness that `npm run bench:workers` measures at a full server. */
const PARTS = 4

export class Host {
  readonly up: Resource
  readonly down: Resource
  /** The thread that handles what is received. */
  readonly thread: Resource

  constructor(simulation: Simulation) {
    this.up = new Resource(simulation)
    this.down = new Resource(simulation)
    this.thread = new Resource(simulation)
  }
}

export class Network {
  readonly #simulation: Simulation
  readonly #costs: NetworkCosts

  constructor(simulation: Simulation, costs: NetworkCosts) {
    this.#simulation = simulation
    this.#costs = costs
  }

  /** A message without a body. */
  *signal(): Process {
    yield this.#costs.latencySeconds
  }

  /**
   * Sends a body. The receiver handles it in parts while it arrives, and parts of other bodies between them, as a program
   * that reads from many connections does. A body that is handled faster than it arrives takes as long as the network.
   * @param lastSeconds of work when the body is complete, before any other
   */
  *send(from: Host, to: Host, bytes: number, handlingSeconds: number, lastSeconds = 0): Process {
    const { bytesPerSecond, latencySeconds } = this.#costs
    const seconds = bytes / bytesPerSecond
    const sent = from.up.reserve(seconds)
    yield sent.startSeconds + latencySeconds - this.#simulation.nowSeconds
    const arrived = to.down.reserve(seconds)
    yield arrived.startSeconds - this.#simulation.nowSeconds
    for (let part = 1; handlingSeconds > 0 && part < PARTS; part++) {
      yield* to.thread.use(handlingSeconds / PARTS)
      yield arrived.startSeconds + (part / PARTS) * seconds - this.#simulation.nowSeconds
    }
    const completeSeconds = Math.max(arrived.endSeconds, sent.endSeconds + latencySeconds)
    // A reader that lags behind the network goes on with the last work at once.
    const isComplete = completeSeconds <= this.#simulation.nowSeconds
    const handled = to.thread.reserve(handlingSeconds / PARTS + (isComplete ? lastSeconds : 0))
    yield Math.max(handled.endSeconds, completeSeconds) - this.#simulation.nowSeconds
    if (!isComplete) yield* to.thread.use(lastSeconds)
  }
}
