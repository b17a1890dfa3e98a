/** Batches from leased units: shuffled, cropped and flipped at random, all drawn from (seed, epoch, unit). */
import type { InputConfig } from '../contract/runtime.ts'
import { createRandom, type Random, seedOf } from '../support/random.ts'
import type { Batch, Lease, LeaseSource } from './batch.ts'
import type { DecodedExample, ExampleReader } from './examples.ts'
import { type Crop, centreCrop, cropLength, randomCrop, writeCrop } from './image.ts'

/** Examples held to be shuffled; a larger unit is shuffled in runs of this many. */
const SHUFFLE_WINDOW = 4096

/** Ends when the lease source does. A lease is done when its last example is in a batch that was asked for. */
export async function* trainingBatches(
  reader: ExampleReader,
  input: InputConfig,
  batchSize: number,
  seed: number,
  leases: LeaseSource,
): AsyncGenerator<Batch> {
  const builder = new BatchBuilder(input, batchSize)
  for (let lease = await leases.next(); lease; lease = await leases.next()) {
    const random = createRandom(seedOf(seed, lease.epoch, lease.unit))
    for await (const example of shuffled(reader.read(lease.unit), random)) {
      const batch = builder.add(example, randomCrop(input, random))
      if (batch) yield batch
    }
    await leases.done(lease)
  }
}

/** In the files' order, centre crops; the last batch may be smaller. */
export async function* orderedBatches(
  reader: ExampleReader,
  units: number,
  input: InputConfig,
  batchSize: number,
  maxExamples = Number.POSITIVE_INFINITY,
): AsyncGenerator<Batch> {
  const builder = new BatchBuilder(input, batchSize)
  let seen = 0
  for (let unit = 0; unit < units && seen < maxExamples; unit++) {
    for await (const example of reader.read(unit)) {
      if (seen++ >= maxExamples) break
      const batch = builder.add(example, centreCrop(input))
      if (batch) yield batch
    }
  }
  const rest = builder.flush()
  if (rest) yield rest
}

/** One process alone: every unit once an epoch, in an order drawn from the seed; `epochs` passes or for ever. */
export function singleProcessLeases(units: number, seed: number, epochs = Number.POSITIVE_INFINITY): LeaseSource {
  let epoch = 0
  let order: number[] = []
  return {
    async next(): Promise<Lease | null> {
      if (order.length === 0) {
        if (epoch >= epochs) return null
        order = permutation(units, createRandom(seedOf('units', seed, epoch++)))
      }
      return { epoch: epoch - 1, unit: order.shift() as number }
    },
    async done() {},
  }
}

async function* shuffled(examples: AsyncIterable<DecodedExample>, random: Random): AsyncGenerator<DecodedExample> {
  let window: DecodedExample[] = []
  for await (const example of examples) {
    window.push(example)
    if (window.length < SHUFFLE_WINDOW) continue
    yield* inOrder(window, random)
    window = []
  }
  yield* inOrder(window, random)
}

function* inOrder(window: readonly DecodedExample[], random: Random): Generator<DecodedExample> {
  for (const i of permutation(window.length, random)) yield window[i] as DecodedExample
}

/** Fisher-Yates. */
export function permutation(length: number, random: Random): number[] {
  const order = Array.from({ length }, (_, i) => i)
  for (let i = length - 1; i > 0; i--) {
    const j = random.int(i + 1)
    ;[order[i], order[j]] = [order[j] as number, order[i] as number]
  }
  return order
}

/** Gathers cropped examples until a batch is full. */
class BatchBuilder {
  readonly #input: InputConfig
  readonly #batchSize: number
  #images: Float32Array
  #labels: number[][] = []
  #ids: string[] = []

  constructor(input: InputConfig, batchSize: number) {
    this.#input = input
    this.#batchSize = batchSize
    this.#images = new Float32Array(batchSize * cropLength(input))
  }

  add(example: DecodedExample, crop: Crop): Batch | undefined {
    writeCrop(example.pixels, this.#input, crop, this.#images, this.#labels.length * cropLength(this.#input))
    this.#labels.push(example.labels)
    this.#ids.push(example.id)
    return this.#labels.length === this.#batchSize ? this.flush() : undefined
  }

  /** What has been gathered, if anything; the builder starts anew. */
  flush(): Batch | undefined {
    const size = this.#labels.length
    if (size === 0) return undefined
    const batch = {
      images: this.#images.subarray(0, size * cropLength(this.#input)),
      labels: this.#labels,
      ids: this.#ids,
      size,
    }
    this.#images = new Float32Array(this.#batchSize * cropLength(this.#input))
    this.#labels = []
    this.#ids = []
    return batch
  }
}
