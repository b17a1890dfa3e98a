/** Memory of the pods: arrays whose size is known, and estimates of what a step keeps. */
import { type ModelLayout, placeLayout, wholeLayout } from '../wire/layout.ts'
import { BYTES_PER_VALUE, type ShardBytes, shardBytes, synchronyOf, type TrainedJob } from './job-scenario.ts'
import type { Costs } from './machine.ts'

export interface MemoryOptions {
  job: TrainedJob
  layout: ModelLayout
  slots: number
  costs: Costs
  parameterServers: number
  workers: number
  /** That compute side by side in the pod of a worker; 1 when absent. */
  processes?: number
  /** The most that bodies of pushes and pulls would take on one server, and the most that it allows. */
  peakBodyBytes: number
  bodyLimitBytes: number
  /** Of one image, in the pass of the network. */
  activations: number
  /** Of one image. */
  pixels: number
}

export interface PodMemory {
  /** By what needs it, in bytes. */
  readonly worker: Readonly<
    Record<'process' | 'weights' | 'gradients' | 'shared memory' | 'batches' | 'pictures' | 'activations', number>
  >
  /** Of the largest shard. */
  readonly server: Readonly<Record<'process' | 'state' | 'gradients' | 'policy' | 'checkpoint copy' | 'bodies', number>>
}

const CHANNELS = 3
/** The one that trains, two that wait, and the one that the loader fills. */
const BATCHES = 4
/** The loader shuffles so many decoded pictures, up to these bytes. */
const WINDOW = { pictures: 4096, bytes: 256 * 2 ** 20 }

export function podMemory(options: MemoryOptions): PodMemory {
  return { worker: workerMemory(options), server: serverMemory(options) }
}

function workerMemory(options: MemoryOptions): PodMemory['worker'] {
  const { job, layout, costs, activations, pixels, processes = 1 } = options
  const { weights, trainable, push, sent } = shardBytes(wholeLayout(layout), 0, job)
  const { prefetch, compression = 'none' } = job.async
  const buffers = prefetch ? 2 : 1
  // Compressed: the body that is compressed, what is sent, and the residual before and after it.
  const bodies = compression === 'none' ? buffers * push : push + sent + 2 * trainable
  // Of several processes, another one exchanges, and what they share is in memory, too.
  const sharing = processes === 1 ? 0 : 1
  return {
    process: (processes + sharing) * costs.worker.processBytes,
    // As they were received, as copies of each process, and as tensors.
    weights: (buffers + processes * (1 + sharing)) * weights,
    // As tensors, as arrays, and as the bodies of pushes.
    gradients: processes * 2 * trainable + bodies,
    'shared memory': sharing * (weights + processes * push),
    batches: processes * BATCHES * job.batchSize * pixels * CHANNELS * BYTES_PER_VALUE,
    pictures: processes * Math.min(WINDOW.bytes, WINDOW.pictures * pixels * CHANNELS),
    activations: processes * job.batchSize * activations * BYTES_PER_VALUE,
  }
}

function serverMemory(options: MemoryOptions): PodMemory['server'] {
  const { job, layout, slots, costs, parameterServers, workers, peakBodyBytes, bodyLimitBytes } = options
  const shards = placeLayout(layout, parameterServers).shards.map((shard) => shardBytes(shard, slots))
  const largest = shards.reduce((most, shard) => (shard.state > most.state ? shard : most))
  return {
    process: costs.server.processBytes,
    state: largest.state,
    gradients: largest.push,
    policy: policyBytes(job, workers, largest),
    'checkpoint copy': largest.state,
    bodies: Math.min(peakBodyBytes, bodyLimitBytes),
  }
}

/** The weights that each worker has pulled, and an array to compute with; or the sum of the gradients of an update. */
function policyBytes({ async: { policy } }: TrainedJob, workers: number, { trainable, push }: ShardBytes): number {
  if (policy.type === 'dcAsgd') return (workers + 1) * trainable
  return synchronyOf(policy, workers)?.type === 'syncBackup' ? push : 0
}

export function totalBytes(parts: Readonly<Record<string, number>>): number {
  return Object.values(parts).reduce((sum, bytes) => sum + bytes, 0)
}
