import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import type { Lease } from '../../../src/contract/exchange.ts'
import type { ClassLabels } from '../../../src/data/dataset.ts'
import type { Batch } from '../../../src/input/batch.ts'
import { evaluationBatches, trainingBatches } from '../../../src/input/batches.ts'
import type { Entry } from '../../../src/input/examples.ts'
import type { Decoded, InputPipeline, Sample } from '../../../src/input/pipeline.ts'
import { createRandom, type Random } from '../../../src/support/random.ts'
import { collect } from '../data/builders.ts'
import { epochs, ListedLeases, PIPELINE, readerOf, SQUARE } from './builders.ts'

function train(sizes: readonly number[], batchSize: number, leases: Iterable<Lease>, seed = 1, pipeline = PIPELINE) {
  const source = new ListedLeases(leases)
  return { source, batches: trainingBatches(readerOf(sizes), pipeline, batchSize, seed, source) }
}

const ids = (batches: readonly Batch<ClassLabels>[]) => batches.flatMap((batch) => batch.ids)

test('every example of every lease is in exactly one batch, and batches are full', async () => {
  const { batches } = train([5, 3, 4], 4, epochs(3, 1))
  const all = await collect(batches)
  assert.deepEqual(
    all.map(({ targets }) => targets.length),
    [4, 4, 4],
  )
  assert.equal(new Set(ids(all)).size, 12)
  for (const { images, shape, targets } of all) {
    assert.deepEqual(shape, [4, 4, 4])
    assert.equal(images.length, 4 * 4 * 4 * 3)
    assert.ok(images.every((value) => value >= -1 && value <= 1))
    assert.deepEqual(targets, new Array(4).fill({ labels: [1, 0] }))
  }
})

test('batches span leases; the incomplete batch after the last lease is dropped', async () => {
  const { batches } = train([3, 3], 5, epochs(2, 1))
  const all = await collect(batches)
  assert.deepEqual(
    all.map(({ targets }) => targets.length),
    [5],
  )
})

test('the pixels and their order depend only on seed, epoch and unit', async () => {
  const first = async (lease: Lease, seed: number) =>
    (await collect(train([0, 6, 6], 6, [lease], seed).batches))[0] as Batch<ClassLabels>
  const lease = { epoch: 3, unit: 1 }
  const batch = await first(lease, 9)
  assert.deepEqual(await first(lease, 9), batch)
  for (const other of [
    await first({ ...lease, epoch: 4 }, 9),
    await first({ ...lease, unit: 2 }, 9),
    await first(lease, 10),
  ]) {
    assert.notDeepEqual(other.images, batch.images)
  }
})

/** The pixels of each sample by its id. */
function pixelsOf(batches: readonly Batch<ClassLabels>[]): Map<string, Float32Array> {
  const values = SQUARE.cropPixels ** 2 * 3
  return new Map(
    batches.flatMap(({ ids: some, images }) =>
      some.map((id, i) => [id, images.slice(i * values, (i + 1) * values)] as const),
    ),
  )
}

test('the samples of a unit do not depend on the units that are read beside it', async () => {
  const sizes = new Array(8).fill(16)
  const alone = pixelsOf(await collect(train(sizes, 4, [{ epoch: 0, unit: 1 }]).batches))
  const among = pixelsOf(await collect(train(sizes, 4, epochs(8, 1)).batches))
  assert.equal(alone.size, 16)
  for (const [id, pixels] of alone) assert.deepEqual(among.get(id), pixels, id)
})

test('the order does not depend on how long pictures take to decode', async () => {
  const sizes = new Array(6).fill(30)
  const run = async (decoders: number, seed: number) => {
    const random = createRandom(seed)
    const reader = readerOf(sizes)
    const open = (unit: number) => ({ ...reader.open(unit), entries: delayed(reader.open(unit).entries, random) })
    const source = new ListedLeases(epochs(6, 2))
    return ids(await collect(trainingBatches({ ...reader, decoders, open }, PIPELINE, 4, 1, source)))
  }
  const first = await run(3, 1)
  assert.equal(first.length, 360)
  assert.deepEqual(await run(3, 2), first)
})

/** Entries of which each takes a few turns of the event loop. */
async function* delayed<A>(entries: AsyncIterable<Entry<A>>, random: Random): AsyncGenerator<Entry<A>> {
  for await (const entry of entries) {
    const turns = random.int(4)
    yield async () => {
      for (let turn = 0; turn < turns; turn++) await setImmediate()
      return entry()
    }
  }
}

test('shards that are sorted by class give mixed batches, from the first one on', async () => {
  const all = await collect(train(new Array(16).fill(200), 32, epochs(16, 1)).batches)
  assert.equal(all.length, 100)
  for (const { ids: some } of all.slice(0, 80)) {
    const shards = new Set(some.map((id) => id.split('-')[0]))
    assert.ok(shards.size >= 5, `${shards.size} shards in a batch`)
  }
})

test('a lease is returned when the batch after the one with its last example is requested, and once', async () => {
  const shapes = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(shapes, fc.integer({ min: 1, max: 7 }), fc.nat(), async (sizes, batchSize, seed) => {
      fc.pre(sizes.some((size) => size > 0))
      const { source, batches } = train(sizes, batchSize, epochs(sizes.length, 1), seed)
      const trained: string[] = []
      const isTrained = ({ unit }: Lease) => idsOf(unit, sizes).every((id) => trained.includes(id))
      let latest: readonly string[] = []
      for await (const batch of batches) {
        trained.push(...latest)
        assert.ok(source.returned.every(isTrained), 'this batch is not trained on yet')
        latest = batch.ids
      }
      trained.push(...latest)
      const expected = [...epochs(sizes.length, 1)].filter(isTrained)
      assert.deepEqual(source.returned.map(({ unit }) => unit).toSorted(), expected.map(({ unit }) => unit).toSorted())
    }),
  )
})

function idsOf(unit: number, sizes: readonly number[]): string[] {
  return Array.from({ length: sizes[unit] as number }, (_, i) => `${unit}-${i}`)
}

test('a worker holds few leases, however small the units are', async () => {
  for (const [units, workers, most] of [
    [40, 1, 40],
    [40, 10, 8],
    [4, 4, 5],
  ] as const) {
    const source = new ListedLeases(epochs(units, 20))
    const reader = readerOf(new Array(units).fill(4))
    for await (const _ of trainingBatches(reader, PIPELINE, 4, 1, source, { workers })) {
      const held = source.asked - source.returned.length
      assert.ok(held <= most, `${held} of ${units} units with ${workers} workers`)
    }
  }
})

test('a data set without any example is an error, not an endless loop', async () => {
  const { source, batches } = train([0, 0, 0], 2, epochs(3))
  await assert.rejects(collect(batches), { code: 'DATA_EMPTY', message: /all 3 units of the data were read/ })
  assert.ok(source.asked < 20, `asked for ${source.asked} leases`)
})

test('empty units are returned at once', async () => {
  const { source, batches } = train([0, 2, 0], 2, epochs(3, 4))
  assert.equal((await collect(batches)).length, 4)
  assert.equal(source.returned.filter(({ unit }) => unit !== 1).length, 8)
})

test('evaluation reads in order with centre crops; the last batch may be smaller and owns its memory', async () => {
  const all = await collect(evaluationBatches(readerOf([3, 0, 2]), PIPELINE, 2))
  assert.deepEqual(ids(all), ['0-0', '0-1', '0-2', '2-0', '2-1'])
  const last = all.at(-1) as Batch<ClassLabels>
  assert.deepEqual(last.shape, [1, 4, 4])
  assert.equal(last.images.buffer.byteLength, 4 * 4 * 4 * 3)
  assert.deepEqual(all[0]?.images.subarray(0, 48), all[0]?.images.subarray(48), 'no augmentation')
})

/** An input in which each example gives one sample for each of these sizes. */
function pipelineOf(sizes: readonly [height: number, width: number][]): InputPipeline<ClassLabels, ClassLabels> {
  const samples = ({ annotation }: Decoded<ClassLabels>): Sample<ClassLabels>[] =>
    sizes.map(([height, width], n) => ({
      size: { height, width },
      target: annotation,
      draw: (into, offset) => void into.fill(n + 1, offset, offset + height * width * 3),
    }))
  return { ...PIPELINE, train: samples, evaluate: samples }
}

test('an example that gives several samples fills several rows', async () => {
  const twice = pipelineOf(new Array(2).fill([2, 3]))
  const { source, batches } = train([3], 4, epochs(1, 2), 1, twice)
  const all = await collect(batches)
  assert.deepEqual(
    all.map(({ shape }) => shape),
    new Array(3).fill([4, 2, 3]),
  )
  assert.deepEqual(
    [...(all[0]?.images ?? [])],
    [1, 2, 1, 2].flatMap((n) => new Array(18).fill(n)),
  )
  for (const place of [0, 1, 2]) assert.equal(ids(all).filter((id) => id === `0-${place}`).length, 4)
  assert.deepEqual(source.returned, [...epochs(1, 2)])
})

test('a batch has samples of one size, and a lease is done when none of its samples waits in any size', async () => {
  const wideTwice = pipelineOf([
    [2, 2],
    [4, 6],
    [4, 6],
  ])
  const { source, batches } = train([2, 2, 4], 4, epochs(3, 1), 1, wideTwice)
  const widths: (number | undefined)[] = []
  for await (const { shape } of batches) {
    widths.push(shape[2])
    // Eight samples of two examples are in the four batches before.
    assert.ok(source.returned.length <= Math.max(0, widths.length - 2))
  }
  assert.deepEqual(widths, [6, 2, 6, 6, 2, 6])
  const order = (leases: Iterable<Lease>) => Array.from(leases, ({ unit }) => unit).toSorted()
  assert.deepEqual(order(source.returned), order(epochs(3, 1)))
})

test('a data set whose examples give no samples is an error', async () => {
  const { batches } = train([2, 1], 2, epochs(2), 1, pipelineOf([]))
  await assert.rejects(collect(batches), { code: 'DATA_EMPTY' })
  assert.deepEqual(await collect(evaluationBatches(readerOf([2, 1]), pipelineOf([]), 2)), [])
})

test('evaluation ends with the incomplete batch of each size', async () => {
  const all = await collect(
    evaluationBatches(
      readerOf([3]),
      pipelineOf([
        [2, 2],
        [4, 6],
      ]),
      2,
    ),
  )
  assert.deepEqual(
    all.map(({ shape }) => shape),
    [
      [2, 2, 2],
      [2, 4, 6],
      [1, 2, 2],
      [1, 4, 6],
    ],
  )
  assert.equal(all.at(-1)?.images.length, 4 * 6 * 3)
})

test('a batch of evaluation has no more pixels than the task allows, unless a single image has', async () => {
  const limited = {
    ...pipelineOf([
      [2, 2],
      [4, 6],
    ]),
    maxEvaluationPixels: 10,
  }
  const all = await collect(evaluationBatches(readerOf([5]), limited, 3))
  const batchesOf = (width: number) => all.filter(({ shape }) => shape[2] === width).map(({ shape }) => shape[0])
  assert.deepEqual(batchesOf(2), [2, 2, 1])
  assert.deepEqual(batchesOf(6), [1, 1, 1, 1, 1])
})
