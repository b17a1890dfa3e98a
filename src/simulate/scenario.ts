/** What is simulated: pods and their work in seconds and bytes. It knows no models, optimizers or policies. */
import type { NetworkCosts } from './network.ts'
import type { Synchrony } from './policy.ts'

export interface Scenario {
  readonly workers: number
  readonly worker: WorkerWork
  /** One for each parameter server. Number 0 counts the steps. */
  readonly servers: readonly ServerWork[]
  readonly synchrony?: Synchrony | undefined
  readonly network: NetworkCosts
  /** Of the volume with the checkpoints, which all servers write to. */
  readonly diskBytesPerSecond: number
  readonly seed: number
}

export interface WorkerWork {
  /** Of one process of the worker. */
  readonly computeSeconds: DrawnSeconds
  /** Processes of the worker that compute side by side, each a batch. */
  readonly processes: number
  /** Of a step, to copy weights to the processes and to sum up their gradients. */
  readonly sharingSeconds: number
  /** Of the loader's thread of a process, for the batch of one step. */
  readonly inputSeconds: number
  /** Of its thread, before a push is sent. */
  readonly sendSecondsPerByte: number
  /** Of its thread, while weights arrive. */
  readonly receiveSecondsPerByte: number
  /** Steps between pulls. */
  readonly fetchEvery: number
  /** Steps whose gradients a push sums up. */
  readonly pushEvery: number
  /** Whether a worker sends its last gradient and pulls the next weights while it computes. */
  readonly prefetch: boolean
  /** Pushes with a higher staleness are refused. */
  readonly maxStaleness?: number | undefined
}

/** The thread of a parameter server does one of these at a time. */
export interface ServerWork {
  readonly pullBytes: number
  readonly pushBytes: number
  /** Until the weights of a pull are on their way. */
  readonly pullSeconds: number
  /** A pull by a worker that has the newest weights. */
  readonly unchangedSeconds: number
  /** While the gradients of a push arrive. */
  readonly receiveSeconds: number
  /** From received to applied. */
  readonly applySeconds: number
  readonly checkpoint: CheckpointWork
}

export interface CheckpointWork {
  readonly bytes: number
  /** Copies the state: no push is applied meanwhile. */
  readonly copySeconds: number
  /** Of the thread, for each chunk that is written. */
  readonly hashSecondsPerByte: number
}

export interface DrawnSeconds {
  readonly mean: number
  /** Standard deviation as a share of the mean. */
  readonly variation: number
}
