/** Makes batches: of leased units in random order for training, of the whole data set in order for evaluation. */
import type { Lease } from '../contract/exchange.ts'
import { DownpourError } from '../support/errors.ts'
import { createRandom, seedOf } from '../support/random.ts'
import type { Batch, LeaseSource } from './batch.ts'
import { BatchBuilder } from './batch-builder.ts'
import type { ExampleReader } from './examples.ts'
import type { InputPipeline } from './pipeline.ts'
import { shuffled } from './shuffle.ts'

/**
 * Ends with the lease source, and drops samples that do not fill a batch. Order and samples of a unit depend only on
 * (seed, epoch, unit). A lease is returned when the consumer asks for the batch after the one with its last sample.
 * @throws DownpourError DATA_EMPTY when every unit was read and none gave a sample
 */
export async function* trainingBatches<A, T>(
  reader: ExampleReader<A>,
  pipeline: Pick<InputPipeline<A, T>, 'train'>,
  batchSize: number,
  seed: number,
  leases: LeaseSource,
): AsyncGenerator<Batch<T>> {
  const builder = new BatchBuilder<T>(batchSize)
  const empty = new Set<number>()
  const finished = new Set<Lease>()
  const returnLeases = async () => {
    for (const lease of [...finished].filter((one) => !builder.holds(one))) {
      finished.delete(lease)
      await leases.done(lease)
    }
  }
  for (let lease = await leases.next(); lease; lease = await leases.next()) {
    const random = createRandom(seedOf(seed, lease.epoch, lease.unit))
    let samples = 0
    for await (const example of shuffled(reader.read(lease.unit), random)) {
      for (const sample of pipeline.train(example, random)) {
        samples++
        const batch = builder.add(sample, example.id, lease)
        if (!batch) continue
        yield batch
        await returnLeases()
      }
    }
    finished.add(lease)
    await returnLeases()
    noteEmpty(empty, lease.unit, samples, reader.units)
  }
}

/**
 * The job never stops to hand out leases, so without this error workers would read a data set without samples for ever.
 */
function noteEmpty(empty: Set<number>, unit: number, samples: number, units: number): void {
  if (samples > 0) return empty.clear()
  empty.add(unit)
  if (empty.size < units) return
  throw new DownpourError(
    'DATA_EMPTY',
    `all ${units} units of the data were read and have no usable example: check spec.data.subset, spec.data.labelSubset and damaged records`,
    { units },
  )
}

/**
 * Examples in the order of the files. The last batch of each size may be smaller.
 * @param onExample called for each example before its samples, of which there may be none
 */
export async function* evaluationBatches<A, T>(
  reader: ExampleReader<A>,
  pipeline: Pick<InputPipeline<A, T>, 'evaluate' | 'maxEvaluationPixels'>,
  batchSize: number,
  onExample: () => void = () => {},
): AsyncGenerator<Batch<T>> {
  const builder = new BatchBuilder<T>(batchSize, pipeline.maxEvaluationPixels)
  for (let unit = 0; unit < reader.units; unit++) {
    for await (const example of reader.read(unit)) {
      onExample()
      for (const sample of pipeline.evaluate(example)) {
        const batch = builder.add(sample, example.id)
        if (batch) yield batch
      }
    }
  }
  yield* builder.flush()
}
