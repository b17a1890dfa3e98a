/** Calibrated batch norm: worker 0 measures mean and variance of every layer before its first push. C channels. */
import type { RuntimeConfig } from '../contract/runtime.ts'
import type { Batch } from '../input/batch.ts'
import type { Loader } from '../input/loader.ts'
import { MOVING_MEAN, MOVING_VARIANCE } from '../models/batch-norm.ts'
import { biasedStatistics } from '../models/calibration.ts'
import { createPass, type Weights } from '../models/layer.ts'
import { DownpourError } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import { createTask } from '../tasks/registry.ts'
import type { Task } from '../tasks/task.ts'
import { type Tensor4D, tf } from '../tensor/tf.ts'
import { valueTensors } from '../tensor/value-tensors.ts'
import type { PullResult, ShardClient } from './client.ts'
import { weightTensors } from './step.ts'
import type { Values } from './step-source.ts'

export const CALIBRATION_IMAGES = 64

/** Changes weights that were pulled, before they are used. */
export type Prepare = (pulled: Pulled) => Promise<Values>
type Pulled = Pick<PullResult, 'weights' | 'base'>

interface Calibration {
  /** What `imagesToMeasure` has said. */
  images: number
  /** Of the images that the loader gives first. */
  measure: (weights: Values) => Promise<Values>
}

export interface Measurement {
  config: RuntimeConfig
  /** Gives the images first. */
  loader: Pick<Loader<unknown>, 'next'>
  images: number
  log: Log
}

/** How many images to measure before the first push; 0 where all servers have statistics. */
export async function imagesToMeasure(client: Pick<ShardClient, 'pull'>): Promise<number> {
  return haveStatistics(await client.pull()) ? 0 : CALIBRATION_IMAGES
}

/** The first push stores them. */
function haveStatistics({ base }: Pick<PullResult, 'base'>): boolean {
  return base.every(({ version }) => version > 0)
}

/**
 * Adds the measured statistics to the weights of a job that has not begun, and measures them only once. A server that has
 * applied a push before keeps its own: a worker 0 that is replaced between the first push to one server and that to
 * another has measured the same images, with weights of which some are one update further.
 * @returns its function throws DownpourError STATISTICS_LOST
 */
export function calibration({ images, measure }: Calibration): Prepare {
  let measured: Values | undefined
  return async (pulled) => {
    const { weights } = pulled
    if (haveStatistics(pulled)) return weights
    if (images === 0) {
      const message =
        'the parameter servers restarted without a checkpoint: this worker must restart, to calibrate again'
      throw new DownpourError('STATISTICS_LOST', message)
    }
    measured ??= await measure(weights)
    return new Map([...weights, ...measured])
  }
}

/** @returns mean and variance of every layer of batch norm */
export async function measureStatistics(
  { config, loader, images: wanted, log }: Measurement,
  weights: Values,
): Promise<Values> {
  const { freeze: _, ...trained } = config
  const batchNorm = { ...config.batchNorm, mode: 'trained' } as const
  const task = await createTask({ ...trained, protocol: 'finetune', batchNorm })
  const tensors = weightTensors(task.variables, weights)
  const moments = new Map<string, Moments>()
  let images = 0
  try {
    while (images < wanted) {
      const batch = await loader.next()
      if (!batch) break
      images += batch.targets.length
      addMoments(moments, statisticsOf(task, tensors, batch))
    }
  } finally {
    tf.dispose([...tensors.values()])
  }
  log.info({ images, layers: moments.size }, 'measured the statistics of batch norm')
  return statisticsFrom(moments)
}

/** Means and biased variances of one forward pass, in which every layer uses those of the layers before it. */
function statisticsOf(task: Task, weights: Weights, batch: Batch<unknown>): Values {
  const pass = createPass(weights, { training: true })
  const targets = valueTensors(task.encode(batch.targets))
  let values: Values = new Map()
  tf.tidy(() => {
    const images_BHWC = tf.tensor4d(batch.images, [...batch.shape, 3]) as Tensor4D
    task.objective(pass, images_BHWC, targets)
    const statistics = [...biasedStatistics(pass)]
    values = new Map(statistics.map(([name, tensor]) => [name, tensor.dataSync().slice() as Float32Array]))
  })
  tf.dispose(Object.values(targets))
  return values
}

/** Sums over batches: of the mean, and of the mean square. */
interface Moments {
  batches: number
  mean_C: Float64Array
  square_C: Float64Array
}

function addMoments(moments: Map<string, Moments>, statistics: Values): void {
  for (const [name, mean_C] of statistics) {
    if (!name.endsWith(MOVING_MEAN)) continue
    const layer = name.slice(0, -MOVING_MEAN.length)
    const variance_C = statistics.get(layer + MOVING_VARIANCE) as Float32Array
    const { length } = mean_C
    const sums = moments.get(layer) ?? {
      batches: 0,
      mean_C: new Float64Array(length),
      square_C: new Float64Array(length),
    }
    moments.set(layer, sums)
    sums.batches++
    for (const [c, mean] of mean_C.entries()) {
      sums.mean_C[c] = (sums.mean_C[c] as number) + mean
      sums.square_C[c] = (sums.square_C[c] as number) + (variance_C[c] as number) + mean * mean
    }
  }
}

/** Variance over all batches: mean of squares minus square of the mean. */
function statisticsFrom(moments: ReadonlyMap<string, Moments>): Values {
  return new Map(
    [...moments].flatMap(([layer, { batches, mean_C, square_C }]) => {
      const mean = mean_C.map((sum) => sum / batches)
      const variance = square_C.map((sum, c) => Math.max(0, sum / batches - (mean[c] as number) ** 2))
      return [
        [layer + MOVING_MEAN, Float32Array.from(mean)] as const,
        [layer + MOVING_VARIANCE, Float32Array.from(variance)] as const,
      ]
    }),
  )
}
