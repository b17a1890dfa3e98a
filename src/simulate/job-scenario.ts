/** From a job, the layout of its model and the costs of a machine to what is simulated. */
import type { RuntimeConfig } from '../contract/runtime.ts'
import { pushBytes } from '../wire/encodings.ts'
import { type ModelLayout, placeLayout, type ShardLayout, wholeLayout } from '../wire/layout.ts'
import type { Costs } from './machine.ts'
import type { Synchrony } from './policy.ts'
import type { DrawnSeconds, Scenario, ServerWork, WorkerWork } from './scenario.ts'

/** What of a job the exchange depends on. */
export type TrainedJob = Pick<RuntimeConfig, 'optimizer' | 'batchSize' | 'seed' | 'async'>

export interface JobScenarioOptions {
  job: TrainedJob
  layout: ModelLayout
  /** Values that the optimizer keeps for each trainable weight. */
  slots: number
  costs: Costs
  computeSeconds: DrawnSeconds
  /** Of the picture to which an image is resized. */
  inputPixels: number
  /** That compute side by side in the pod of a worker; 1 when absent. */
  processes?: number
  /** Of a core, that the thread of a parameter server gets: a CPU limit below 1. */
  serverCores: number
}

export interface JobSize {
  workers: number
  parameterServers: number
}

export const BYTES_PER_VALUE = 4
const GIGABYTE = 1e9

export function jobScenario(options: JobScenarioOptions, { workers, parameterServers }: JobSize): Scenario {
  const { job, layout, costs } = options
  return {
    workers,
    worker: workerWork(options),
    servers: placeLayout(layout, parameterServers).shards.map((shard) => serverWork(shard, options)),
    synchrony: synchronyOf(job.async.policy, workers),
    network: costs.network,
    diskBytesPerSecond: costs.disk.bytesPerSecond,
    seed: job.seed,
  }
}

function workerWork(options: JobScenarioOptions): WorkerWork {
  const { job, layout, costs, computeSeconds, inputPixels, processes = 1 } = options
  const { secondsPerImage, secondsPerMegapixel } = costs.input
  const { fetchEvery, pushEvery, prefetch = false, maxStaleness } = job.async
  return {
    computeSeconds,
    processes,
    sharingSeconds: sharingSeconds(options),
    inputSeconds: job.batchSize * (secondsPerImage + (secondsPerMegapixel * inputPixels) / 1e6),
    // Compressing takes about as long as sending the bytes that it saves.
    sendSecondsPerByte: (compressionRatio(layout, job) * costs.worker.sendSecondsPerGigabyte) / GIGABYTE,
    receiveSecondsPerByte: costs.worker.receiveSecondsPerGigabyte / GIGABYTE,
    fetchEvery,
    pushEvery,
    prefetch,
    maxStaleness,
  }
}

/** Weights are written once and read by each process; gradients are written by each, added in parts, and read once. */
const COPIES = { weights: 2, push: 4 }

function sharingSeconds({ job, layout, costs, processes = 1 }: JobScenarioOptions): number {
  if (processes === 1) return 0
  const { weights, push } = shardBytes(wholeLayout(layout), 0)
  const bytes = (COPIES.weights * weights) / job.async.fetchEvery + COPIES.push * push
  return (bytes * costs.server.copySecondsPerGigabyte) / GIGABYTE
}

/** Bytes of a push before they are compressed, for each byte that is sent. */
function compressionRatio(layout: ModelLayout, job: TrainedJob): number {
  const { push, sent } = shardBytes(wholeLayout(layout), 0, job)
  return push / sent
}

function serverWork(shard: ShardLayout, { job, slots, costs, serverCores }: JobScenarioOptions): ServerWork {
  const { server, disk } = costs
  const sizes = shardBytes(shard, slots, job)
  const policy = policyCosts(job, costs)
  const seconds = (bytes: number, perGigabyte: number) => (bytes * perGigabyte) / GIGABYTE / serverCores
  const request = server.secondsPerRequest / serverCores
  const apply = server.applySecondsPerGigabyte[job.optimizer.type] + policy.applySecondsPerGigabyte
  return {
    pullBytes: sizes.weights,
    pushBytes: sizes.sent,
    pullSeconds:
      request +
      seconds(sizes.weights, server.sendSecondsPerGigabyte) +
      seconds(sizes.trainable, policy.pullSecondsPerGigabyte),
    unchangedSeconds: request,
    receiveSeconds: seconds(sizes.sent, server.receiveSecondsPerGigabyte),
    applySeconds: request + seconds(sizes.trainable, apply + decodingCosts(job, costs)),
    checkpoint: {
      bytes: sizes.state,
      copySeconds: seconds(sizes.state, server.copySecondsPerGigabyte),
      hashSecondsPerByte: disk.hashSecondsPerGigabyte / GIGABYTE / serverCores,
    },
  }
}

/** @param policy of a job: its type, and the fields that say how long workers wait */
export function synchronyOf(
  { type, maxDelay = 0, backups = 0 }: { type: string; maxDelay?: number; backups?: number },
  workers: number,
): Synchrony | undefined {
  switch (type) {
    case 'boundedDelay':
      return { type, maxDelay }
    case 'syncBackup':
      return { type, gradients: Math.max(1, workers - backups) }
    default:
      return undefined
  }
}

/** dcAsgd copies the weights that a worker pulls, and reads them for each push. */
function policyCosts({ async: { policy } }: TrainedJob, { server }: Costs) {
  const isCompensating = policy.type === 'dcAsgd'
  return {
    pullSecondsPerGigabyte: isCompensating ? server.copySecondsPerGigabyte : 0,
    applySecondsPerGigabyte: isCompensating
      ? server.copySecondsPerGigabyte + server.applySecondsPerGigabyte.momentum
      : 0,
  }
}

/** Decoding takes about as long as a copy of what is decoded. */
function decodingCosts({ async: { compression = 'none' } }: TrainedJob, { server }: Costs): number {
  return compression === 'none' ? 0 : server.copySecondsPerGigabyte
}

export interface ShardBytes {
  /** All variables: the body of a pull. */
  weights: number
  trainable: number
  /** Gradients and batch statistics, as the server applies them. */
  push: number
  /** The body of a push. */
  sent: number
  /** Weights and optimizer state: the file of a checkpoint. */
  state: number
}

/** @param job whose compression the body of a push has; absent: none */
export function shardBytes(shard: ShardLayout, slots: number, job?: Pick<TrainedJob, 'async'>): ShardBytes {
  const { trainable, total } = shard
  return {
    weights: BYTES_PER_VALUE * total,
    trainable: BYTES_PER_VALUE * trainable,
    push: pushBytes(shard),
    sent: pushBytes(shard, job?.async.compression),
    state: BYTES_PER_VALUE * (total + slots * trainable),
  }
}
