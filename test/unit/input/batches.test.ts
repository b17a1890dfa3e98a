import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Lease } from '../../../src/contract/exchange.ts'
import type { Batch } from '../../../src/input/batch.ts'
import { orderedBatches, shuffleWindow, trainingBatches } from '../../../src/input/batches.ts'
import type { DecodedExample, ExampleReader } from '../../../src/input/examples.ts'
import { collect, epochs, ListedLeases, SQUARE } from '../data/builders.ts'

/** Units of decoded pictures that nobody had to decode. */
function readerOf(sizes: readonly number[]): ExampleReader {
  return {
    units: sizes.length,
    async *read(unit) {
      for (let i = 0; i < (sizes[unit] as number); i++) yield example(`${unit}-${i}`)
    },
  }
}

function example(id: string): DecodedExample {
  const pixels = Uint8Array.from({ length: SQUARE.resizePixels ** 2 * 3 }, (_, i) => (i * 37) % 256)
  return { id, pixels, labels: [1, 0] }
}

function train(sizes: readonly number[], batchSize: number, leases: Iterable<Lease>, seed = 1) {
  const source = new ListedLeases(leases)
  return { source, batches: trainingBatches(readerOf(sizes), SQUARE, batchSize, seed, source) }
}

const ids = (batches: readonly Batch[]) => batches.flatMap((batch) => batch.ids)

test('every example of every lease is in a batch once, and batches are full', async () => {
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

test('batches run on from one lease into the next; what is left when leases end is dropped', async () => {
  const { batches } = train([3, 3], 5, epochs(2, 1))
  const all = await collect(batches)
  assert.deepEqual(
    all.map(({ targets }) => targets.length),
    [5],
  )
})

test('the same seed, epoch and unit give the same pixels in the same order; another of them does not', async () => {
  const first = async (lease: Lease, seed: number) =>
    (await collect(train([0, 6, 6], 6, [lease], seed).batches))[0] as Batch
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

test('what a unit gives does not depend on what was read before it', async () => {
  const alone = await collect(train([4, 4], 4, [{ epoch: 0, unit: 1 }]).batches)
  const after = await collect(train([4, 4], 4, epochs(2, 1)).batches)
  assert.deepEqual(after[1], alone[0])
})

test('a lease is done when the batch with its last example was taken and another is asked for', async () => {
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

test('a set without a single example ends with an error instead of being read for ever', async () => {
  const { source, batches } = train([0, 0, 0], 2, epochs(3))
  await assert.rejects(collect(batches), { code: 'DATA_EMPTY', message: /all 3 units of the data were read/ })
  assert.equal(source.asked, 3)
})

test('empty units among others are given back at once and do no harm', async () => {
  const { source, batches } = train([0, 2, 0], 2, epochs(3, 4))
  assert.equal((await collect(batches)).length, 4)
  assert.equal(source.returned.filter(({ unit }) => unit !== 1).length, 8)
})

test('evaluation goes in order, with centre crops; the last batch may be smaller and owns its memory', async () => {
  const all = await collect(orderedBatches(readerOf([3, 0, 2]), SQUARE, 2))
  assert.deepEqual(ids(all), ['0-0', '0-1', '0-2', '2-0', '2-1'])
  const last = all.at(-1) as Batch
  assert.deepEqual(last.shape, [1, 4, 4])
  assert.equal(last.images.buffer.byteLength, 4 * 4 * 4 * 3)
  assert.deepEqual(all[0]?.images.subarray(0, 48), all[0]?.images.subarray(48), 'no augmentation')
})

test('evaluation ends at its limit', async () => {
  for (const limit of [1, 3, 5, 100]) {
    const all = await collect(orderedBatches(readerOf([3, 2]), SQUARE, 2, limit))
    assert.equal(ids(all).length, Math.min(5, limit))
  }
})

test('the shuffle holds at most 256 MiB of pixels, and at least one picture', () => {
  const bytes = (pixels: number) => shuffleWindow({ ...SQUARE, resizePixels: pixels }) * pixels * pixels * 3
  assert.equal(shuffleWindow({ ...SQUARE, resizePixels: 40 }), 4096)
  assert.ok(bytes(340) <= 256 * 2 ** 20 && bytes(340) > 200 * 2 ** 20)
  assert.equal(shuffleWindow({ ...SQUARE, resizePixels: 20_000 }), 1)
})
