/** The forecast of one job on a machine. */
import type { Job } from '../../api/job.ts'
import { completeModel } from '../../contract/training.ts'
import { imageCost } from '../../models/cost.ts'
import { VARIANTS } from '../../models/variants.ts'
import { perPodOf } from '../../plan/replicas.ts'
import { modelConfig } from '../../plan/runtime-config.ts'
import { createOptimizer } from '../../ps/optimizers/optimizers.ts'
import { DEFAULT_LIMITS } from '../../ps/server.ts'
import { type Forecast, forecast } from '../../simulate/forecast.ts'
import { type JobScenarioOptions, jobScenario, shardBytes } from '../../simulate/job-scenario.ts'
import { type PodMemory, podMemory } from '../../simulate/memory.ts'
import { createTask } from '../../tasks/registry.ts'
import { makeLayout, placeLayout } from '../../wire/layout.ts'
import { parseQuantity } from '../quantities.ts'
import { type ComputeSeconds, computeSeconds } from './compute-seconds.ts'
import type { Machine } from './read-machine.ts'

export interface JobForecast {
  readonly job: Job
  readonly forecast: Forecast
  readonly compute: ComputeSeconds
  readonly memory: PodMemory
  readonly model: {
    readonly trainableValues: number
    readonly weightBytes: number
    /** What the largest and the smallest parameter server store of the weights. */
    readonly shardBytes: { readonly most: number; readonly least: number }
    readonly checkpointBytes: number
  }
  readonly imagesPerSecond: number
  readonly notes: readonly string[]
}

const GPU = /^(?:nvidia\.com|amd\.com)\/gpu/

/** @throws DownpourError CONFIG_INVALID, COMPUTE_UNKNOWN */
export async function forecastJob(job: Job, machine: Machine): Promise<JobForecast> {
  const { spec } = job
  const size = { workers: spec.workers.replicas, parameterServers: spec.parameterServer.replicas }
  const { variables } = await createTask(modelConfig(job))
  const image = imageOf(job, variables)
  const given = machine.compute
  const { backbone } = spec.model
  const compute = computeSeconds({
    ...image,
    given,
    backbone,
    backend: spec.runtime.backend,
    batchSize: spec.batchSize,
  })
  const exchange: JobScenarioOptions = {
    job: spec,
    layout: makeLayout(variables),
    slots: Object.keys(createOptimizer(spec.optimizer).slots).length,
    costs: machine.costs,
    computeSeconds: compute,
    inputPixels: image.inputPixels,
    processes: perPodOf(job),
    serverCores: serverCores(job),
  }
  const predicted = forecast({
    scenarioOf: (other) => jobScenario(exchange, other),
    size,
    checkpointEvery: checkpointEvery(job),
    maxSteps: spec.maxSteps,
    warmStartSteps: spec.async.warmStartSteps,
  })
  const { peakBodyBytes } = predicted.outcome
  return {
    job,
    forecast: predicted,
    compute,
    memory: podMemory({
      ...exchange,
      ...size,
      ...image,
      peakBodyBytes,
      bodyLimitBytes: DEFAULT_LIMITS.bufferLimitBytes,
    }),
    model: modelFacts(exchange, size.parameterServers),
    imagesPerSecond: imagesPerSecond(predicted, job),
    notes: notesOf(job, machine),
  }
}

/** Of all gradients that count, in proportion to the time that checkpoints leave. */
function imagesPerSecond({ stepsPerSecond, outcome }: Forecast, job: Job): number {
  const { spec } = job
  const pushes = outcome.pushesPerSecond * (stepsPerSecond / outcome.stepsPerSecond)
  return pushes * spec.async.pushEvery * perPodOf(job) * spec.batchSize
}

function imageOf({ spec }: Job, variables: Parameters<typeof imageCost>[0]['variables']) {
  const { backbone, variant } = completeModel(spec.model)
  const { outputStride } = spec.task as { outputStride?: number }
  const pixels = imagePixels(spec.input)
  const { stridePlacement: placement } = VARIANTS[variant]
  const { resizePixels } = spec.input as { resizePixels?: number }
  const inputPixels = resizePixels === undefined ? pixels : resizePixels ** 2
  return {
    pixels,
    inputPixels,
    ...imageCost({ backbone, placement, variables, pixels, ...(outputStride && { outputStride }) }),
  }
}

/** Of a square crop, the crop around a person, or a whole picture at most. */
function imagePixels(input: Job['spec']['input']): number {
  const sides = input as Partial<Record<string, number>>
  const { cropPixels, cropHeightPixels, cropWidthPixels, shortSidePixels, longSidePixels } = sides
  const [height, width] = [
    cropPixels ?? cropHeightPixels ?? shortSidePixels,
    cropPixels ?? cropWidthPixels ?? longSidePixels,
  ]
  return (height ?? 0) * (width ?? 0)
}

function checkpointEvery({ spec }: Job) {
  const { everySteps, everyMinutes } = spec.checkpoint
  return { steps: everySteps, seconds: everyMinutes === undefined ? undefined : 60 * everyMinutes }
}

/** A parameter server has one thread: a limit above one core does not make it faster. */
function serverCores({ spec }: Job): number {
  const { cpu } = spec.parameterServer.template?.resources?.limits ?? {}
  return cpu === undefined ? 1 : Math.min(1, parseQuantity(cpu))
}

function modelFacts({ layout, slots }: JobScenarioOptions, parameterServers: number): JobForecast['model'] {
  const { shards } = placeLayout(layout, parameterServers)
  const bytes = shards.map((shard) => shardBytes(shard, slots))
  const weights = bytes.map((shard) => shard.weights)
  return {
    trainableValues: shards.reduce((sum, { trainable }) => sum + trainable, 0),
    weightBytes: weights.reduce((sum, one) => sum + one, 0),
    shardBytes: { most: Math.max(...weights), least: Math.min(...weights) },
    checkpointBytes: bytes.reduce((sum, { state }) => sum + state, 0),
  }
}

function notesOf({ spec }: Job, { compute }: Machine): string[] {
  const { limits = {} } = spec.workers.template?.resources ?? {}
  const hasGpu = Object.keys(limits).some((resource) => GPU.test(resource))
  const isGiven = compute.secondsPerStep !== undefined || compute.imagesPerSecond !== undefined
  if (!hasGpu || isGiven) return []
  return [
    'The workers have GPUs, but the compute is that of CPU cores: measure a step, and say compute with --machine.',
  ]
}
