/** The batches that batch norm is calibrated on. */
import type { Lease } from '../contract/exchange.ts'
import { createRandom, seedOf } from '../support/random.ts'
import type { Batch, LeaseSource } from './batch.ts'
import { trainingBatches } from './batches.ts'
import type { ExampleReader } from './examples.ts'
import type { InputPipeline } from './pipeline.ts'
import { permutation } from './shuffle.ts'

/**
 * As many whole batches as have the images. The seed alone chooses them, not the leases that a worker happens to get: a
 * worker that is replaced while it calibrates measures the same images again.
 * @throws DownpourError as trainingBatches
 */
export async function* calibrationBatches<A, T>(
  reader: ExampleReader<A>,
  pipeline: Pick<InputPipeline<A, T>, 'train'>,
  batchSize: number,
  seed: number,
  images: number,
): AsyncGenerator<Batch<T>> {
  if (images === 0) return
  let left = images
  for await (const batch of trainingBatches(reader, pipeline, batchSize, seed, seededLeases(reader.units, seed))) {
    yield batch
    left -= batch.targets.length
    if (left <= 0) return
  }
}

/** Every unit in a random order, again and again. */
function seededLeases(units: number, seed: number): LeaseSource {
  const order = permutation(units, createRandom(seedOf(seed, 'calibration')))
  const leases = endless(order)
  return { next: async () => leases.next().value, done: async () => {} }
}

function* endless(order: readonly number[]): Generator<Lease, never> {
  for (let epoch = 0; ; epoch++) for (const unit of order) yield { epoch, unit }
}
