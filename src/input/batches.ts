/** Batches from leased units: shuffled, cropped and flipped at random, all drawn from (seed, epoch, unit). */

import type { Lease } from '../contract/exchange.ts'
import type { InputConfig } from '../contract/runtime.ts'
import { DownpourError } from '../support/errors.ts'
import { createRandom, type Random, seedOf } from '../support/random.ts'
import type { Batch, LeaseSource } from './batch.ts'
import { BatchBuilder } from './batch-builder.ts'
import type { DecodedExample, ExampleReader } from './examples.ts'
import { centreCrop, randomCrop } from './square-crop.ts'

/** Examples held to be shuffled; a larger unit is shuffled in runs of this many, or of what the bytes allow. */
const SHUFFLE_WINDOW = 4096
const SHUFFLE_BYTES = 256 * 2 ** 20

/**
 * Ends when the lease source does; what is then left over fills no batch and is dropped. A lease is done when the batch
 * with its last example was taken and another one asked for.
 * @throws DownpourError DATA_EMPTY when every unit was read and none held an example
 */
export async function* trainingBatches(
  reader: ExampleReader,
  input: InputConfig,
  batchSize: number,
  seed: number,
  leases: LeaseSource,
): AsyncGenerator<Batch> {
  const builder = new BatchBuilder(input, batchSize)
  const empty = new Set<number>()
  let finished: Lease[] = []
  for (let lease = await leases.next(); lease; lease = await leases.next()) {
    const random = createRandom(seedOf(seed, lease.epoch, lease.unit))
    let examples = 0
    for await (const example of shuffled(reader.read(lease.unit), shuffleWindow(input), random)) {
      examples++
      const batch = builder.add(example, randomCrop(input, random))
      if (!batch) continue
      yield batch
      for (const done of finished) await leases.done(done)
      finished = []
    }
    if (examples === 0 || builder.size === 0) await leases.done(lease)
    else finished.push(lease)
    noteEmpty(empty, lease.unit, examples, reader.units)
  }
}

/** Leases never end by themselves: without this a set of nothing would be read for ever. */
function noteEmpty(empty: Set<number>, unit: number, examples: number, units: number): void {
  if (examples > 0) return empty.clear()
  empty.add(unit)
  if (empty.size < units) return
  throw new DownpourError(
    'DATA_EMPTY',
    `all ${units} units of the data were read and held no example that can be used: look at spec.data.subset and at damaged records`,
    { units },
  )
}

/** @returns examples */
export function shuffleWindow({ resizePixels }: InputConfig): number {
  return Math.max(1, Math.min(SHUFFLE_WINDOW, Math.floor(SHUFFLE_BYTES / (resizePixels * resizePixels * 3))))
}

/** In the files' order, centre crops; the last batch may be smaller. */
export async function* orderedBatches(
  reader: ExampleReader,
  input: InputConfig,
  batchSize: number,
  maxExamples = Number.POSITIVE_INFINITY,
): AsyncGenerator<Batch> {
  const builder = new BatchBuilder(input, batchSize)
  let seen = 0
  for (let unit = 0; unit < reader.units && seen < maxExamples; unit++) {
    for await (const example of reader.read(unit)) {
      if (seen++ >= maxExamples) break
      const batch = builder.add(example, centreCrop(input))
      if (batch) yield batch
    }
  }
  const rest = builder.flush()
  if (rest) yield rest
}

async function* shuffled(
  examples: AsyncIterable<DecodedExample>,
  windowLength: number,
  random: Random,
): AsyncGenerator<DecodedExample> {
  let window: DecodedExample[] = []
  for await (const example of examples) {
    window.push(example)
    if (window.length < windowLength) continue
    yield* inOrder(window, random)
    window = []
  }
  yield* inOrder(window, random)
}

function* inOrder(window: readonly DecodedExample[], random: Random): Generator<DecodedExample> {
  for (const i of permutation(window.length, random)) yield window[i] as DecodedExample
}

/** Fisher-Yates. */
function permutation(length: number, random: Random): number[] {
  const order = Array.from({ length }, (_, i) => i)
  for (let i = length - 1; i > 0; i--) {
    const j = random.int(i + 1)
    ;[order[i], order[j]] = [order[j] as number, order[i] as number]
  }
  return order
}
