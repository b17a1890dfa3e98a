/** A simulated parameter server: answers pulls, applies pushes and saves checkpoints, all in one thread. */
import { Host, type Network } from './network.ts'
import { createPolicy, type SimulatedPolicy, type Synchrony } from './policy.ts'
import { type Process, Signal, type Simulation } from './process.ts'
import type { Resource } from './resource.ts'
import type { ServerWork } from './scenario.ts'

/** The caller of a request. */
export interface Caller {
  readonly index: number
  readonly host: Host
}

/** Between chunks of a file the thread does other work. */
const CHUNK_BYTES = 4 << 20

export class SimulatedServer {
  readonly work: ServerWork
  readonly host: Host
  readonly #network: Network
  readonly #policy: SimulatedPolicy
  /** Fires when a worker that waits may have its turn. */
  #turn = new Signal()
  #version = 0
  #bodyBytes = 0
  #peakBodyBytes = 0

  constructor(
    index: number,
    work: ServerWork,
    synchrony: Synchrony | undefined,
    simulation: Simulation,
    network: Network,
  ) {
    this.work = work
    this.host = new Host(simulation)
    this.#policy = createPolicy(synchrony, index)
    this.#network = network
  }

  /** Updates applied. */
  get version(): number {
    return this.#version
  }

  /** The most bytes of pushes and pulls that were in memory at once. */
  get peakBodyBytes(): number {
    return this.#peakBodyBytes
  }

  /** @param receiveSeconds of the worker's thread. @returns the version of the weights that arrive */
  *pull({ index, host }: Caller, have: number | undefined, receiveSeconds: number): Process<number> {
    const { pullBytes, pullSeconds, unchangedSeconds } = this.work
    yield* this.#network.signal()
    while (this.#policy.mustWait(index)) yield this.#turn
    if (have === this.#version) {
      yield* this.host.thread.use(unchangedSeconds, () => this.#policy.onPull(index))
      yield* this.#network.signal()
      return have
    }
    let version = this.#version
    yield* this.host.thread.use(pullSeconds, () => {
      version = this.#version
      this.#policy.onPull(index)
      this.#hold(pullBytes)
    })
    yield* this.#network.send(this.host, host, pullBytes, receiveSeconds)
    this.#hold(-pullBytes)
    return version
  }

  /** @param base the version of the weights that the gradients were computed on. @returns the staleness, if it was accepted */
  *push({ index, host }: Caller, base: number, maxStaleness = Number.POSITIVE_INFINITY): Process<number | undefined> {
    const { pushBytes, receiveSeconds, applySeconds } = this.work
    this.#hold(pushBytes)
    yield* this.#network.send(host, this.host, pushBytes, receiveSeconds, applySeconds)
    const staleness = this.#version - base
    const isAccepted = staleness <= maxStaleness && this.#policy.accepts(index, staleness)
    if (isAccepted && this.#policy.completes(index)) this.#version++
    this.#policy.onPushed(index)
    this.#hold(-pushBytes)
    this.#callWaiting()
    yield* this.#network.signal()
    return isAccepted ? staleness : undefined
  }

  #callWaiting(): void {
    const turn = this.#turn
    this.#turn = new Signal()
    turn.fire()
  }

  /** Copies the state, then writes it while training continues. */
  *save(disk: Resource, diskBytesPerSecond: number): Process {
    const { bytes, copySeconds, hashSecondsPerByte } = this.work.checkpoint
    yield* this.host.thread.use(copySeconds)
    for (let at = 0; at < bytes; at += CHUNK_BYTES) {
      const chunk = Math.min(CHUNK_BYTES, bytes - at)
      yield* this.host.thread.use(chunk * hashSecondsPerByte)
      yield* disk.use(chunk / diskBytesPerSecond)
    }
  }

  #hold(bytes: number): void {
    this.#bodyBytes += bytes
    this.#peakBodyBytes = Math.max(this.#peakBodyBytes, this.#bodyBytes)
  }
}
