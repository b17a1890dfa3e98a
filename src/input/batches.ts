/** Makes batches: of leased units in random order for training, of the whole data set in order for evaluation. */
import type { Lease } from '../contract/exchange.ts'
import { createRandom, seedOf } from '../support/random.ts'
import type { Batch, LeaseSource } from './batch.ts'
import { BatchBuilder } from './batch-builder.ts'
import type { BatchMemory } from './batch-memory.ts'
import { type ExampleReader, examplesOf, type Reading } from './examples.ts'
import { HeldLeases } from './held-leases.ts'
import { inOrder } from './in-order.ts'
import { interleaved, type Part, unitsAtOnce } from './interleave.ts'
import type { Decoded, InputPipeline } from './pipeline.ts'
import { ShuffleBuffer } from './shuffle.ts'

/** The shuffle buffer grows up to this many leases for each unit that is read at once. */
const LEASES_PER_UNIT = 2

export interface TrainingOptions {
  /** Of the job; 1 when absent. */
  readonly workers?: number | undefined
  /** Absent: each batch has memory of its own. */
  readonly memory?: BatchMemory | undefined
}

/**
 * Ends with the lease source, and drops samples that do not fill a batch. The samples of an example depend only on (seed,
 * epoch, unit) and its place in the unit, the order of the examples on the seed and the leases. A lease is returned when the
 * consumer asks for the batch after the one with its last sample.
 * @throws DownpourError DATA_EMPTY when every unit was read and none gave a sample
 */
export async function* trainingBatches<A, T>(
  reader: ExampleReader<A>,
  pipeline: Pick<InputPipeline<A, T>, 'train'>,
  batchSize: number,
  seed: number,
  leases: LeaseSource,
  { workers = 1, memory }: TrainingOptions = {},
): AsyncGenerator<Batch<T>> {
  const builder = new BatchBuilder<T>(batchSize, { memory })
  const isInBatch = (lease: Lease) => builder.holds(lease)
  const held = new HeldLeases({ seed, units: reader.units, isInBatch, leases })
  const atOnce = unitsAtOnce(reader.units, workers)
  for await (const { lease, reading, example, seed: own } of shuffledExamples(reader, seed, leases, held, atOnce)) {
    let samples = 0
    for (const sample of pipeline.train(example, createRandom(own))) {
      samples++
      const batch = builder.add(sample, example.id, lease)
      if (!batch) continue
      yield batch
      await held.returnGiven()
    }
    reading.free(example)
    held.left(lease, samples)
    await held.returnGiven()
  }
}

interface LeasedExample<A> {
  readonly lease: Lease
  readonly reading: Reading<A>
  readonly example: Decoded<A>
  /** Of its samples. */
  readonly seed: number
}

async function* shuffledExamples<A>(
  reader: ExampleReader<A>,
  seed: number,
  leases: LeaseSource,
  held: HeldLeases,
  atOnce: number,
): AsyncGenerator<LeasedExample<A>> {
  const bytesOf = ({ example }: LeasedExample<A>) => example.picture.rgb.length
  const buffer = new ShuffleBuffer(createRandom(seedOf(seed, 'shuffle')), bytesOf)
  const parts = interleaved(reader, leases, atOnce)
  for await (const { lease, reading, loaded } of inOrder(parts, reader.decoders, loadPart)) {
    const example = loaded && reading.take(loaded)
    if (example) {
      const mayGrow = held.size < LEASES_PER_UNIT * atOnce
      yield* buffer.add({ lease, reading, example, seed: held.entered(lease) }, mayGrow)
    } else if (!loaded) {
      reading.end()
      held.read(lease)
      await held.returnGiven()
    }
  }
  yield* buffer.rest()
}

async function loadPart<A>({ entry, ...part }: Part<A>) {
  return { ...part, loaded: await entry?.() }
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
  const builder = new BatchBuilder<T>(batchSize, { maxPixels: pipeline.maxEvaluationPixels })
  for (let unit = 0; unit < reader.units; unit++) {
    const reading = reader.open(unit)
    for await (const example of examplesOf(reading, reader.decoders)) {
      onExample()
      for (const sample of pipeline.evaluate(example)) {
        const batch = builder.add(sample, example.id)
        if (batch) yield batch
      }
      reading.free(example)
    }
  }
  yield* builder.flush()
}
