import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Lease } from '../../../src/contract/exchange.ts'
import type { ClassLabels } from '../../../src/data/dataset.ts'
import type { Batch } from '../../../src/input/batch.ts'
import { evaluationBatches, trainingBatches } from '../../../src/input/batches.ts'
import type { ExampleReader } from '../../../src/input/examples.ts'
import type { Decoded, InputPipeline, Sample } from '../../../src/input/pipeline.ts'
import { collect } from '../data/builders.ts'
import { epochs, ListedLeases, PIPELINE, SQUARE } from './builders.ts'

/** Units of images that need no decoding. */
function readerOf(sizes: readonly number[]): ExampleReader<ClassLabels> {
  return {
    units: sizes.length,
    async *read(unit) {
      for (let i = 0; i < (sizes[unit] as number); i++) yield example(`${unit}-${i}`)
    },
  }
}

function example(id: string): Decoded<ClassLabels> {
  const side = SQUARE.resizePixels
  const rgb = Uint8Array.from({ length: side ** 2 * 3 }, (_, i) => (i * 37) % 256)
  return { id, picture: { rgb, height: side, width: side }, annotation: { labels: [1, 0] } }
}

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

test('the examples of a unit do not depend on the units before it', async () => {
  const alone = await collect(train([4, 4], 4, [{ epoch: 0, unit: 1 }]).batches)
  const after = await collect(train([4, 4], 4, epochs(2, 1)).batches)
  assert.deepEqual(after[1], alone[0])
})

test('a lease is returned when the batch after the one with its last example is requested', async () => {
  const { source, batches } = train([2, 2, 2, 2], 3, epochs(4, 1))
  await batches.next()
  assert.deepEqual(source.returned, [], 'the first batch may not be trained on yet')
  await batches.next()
  assert.deepEqual(
    source.returned.map(({ unit }) => unit),
    [0],
  )
  await batches.next()
  assert.deepEqual(
    source.returned.map(({ unit }) => unit),
    [0, 1, 2],
  )
})

test('a data set without any example is an error, not an endless loop', async () => {
  const { source, batches } = train([0, 0, 0], 2, epochs(3))
  await assert.rejects(collect(batches), { code: 'DATA_EMPTY', message: /all 3 units of the data were read/ })
  assert.equal(source.asked, 3)
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
  assert.equal(new Set(ids(all).slice(0, 6)).size, 3)
  assert.deepEqual(source.returned, [...epochs(1, 2)])
})

test('a batch has samples of one size, and a lease is done when none of its samples waits in any size', async () => {
  const wideTwice = pipelineOf([
    [2, 2],
    [4, 6],
    [4, 6],
  ])
  const { source, batches } = train([2, 2, 4], 4, epochs(3, 1), 1, wideTwice)
  const seen: [width: number | undefined, returned: number[]][] = []
  for await (const { shape } of batches) seen.push([shape[2], source.returned.map(({ unit }) => unit)])
  assert.deepEqual(seen, [
    [6, []],
    [2, []],
    [6, [0]],
    [6, [0, 1]],
    [2, [0, 1]],
    [6, [0, 1]],
  ])
  assert.deepEqual(source.returned, [...epochs(3, 1)])
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
