import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { DataConfig } from '../../../src/contract/runtime.ts'
import type { Batch, LeaseSource } from '../../../src/input/batch.ts'
import {
  createLoader,
  dataFacts,
  evaluationBatches,
  type Loader,
  type LoaderOptions,
} from '../../../src/input/loader.ts'
import { DownpourError } from '../../../src/support/errors.ts'
import { consistently, eventually } from '../../support/eventually.ts'
import {
  collect,
  epochs,
  FRUIT,
  inside,
  ListedLeases,
  png,
  records,
  SQUARE,
  temporaryFolder,
  writeRecords,
} from '../data/builders.ts'

const root = temporaryFolder()

interface Setting extends Partial<LoaderOptions> {
  units?: Parameters<typeof writeRecords>[1]
  data?: Partial<DataConfig>
}

async function optionsOf({
  units = [records('a', 4), records('b', 4)],
  data,
  ...given
}: Setting): Promise<LoaderOptions> {
  const folder = inside(root)
  const config = { ...(await writeRecords(folder, units)), ...data }
  const leases = new ListedLeases(epochs(units.length))
  return {
    folder,
    config,
    input: SQUARE,
    batchSize: 4,
    seed: 1,
    leases,
    signal: new AbortController().signal,
    ...given,
  }
}

/** Closes the loader whatever happens. */
async function withLoader(setting: Setting, work: (loader: Loader, options: LoaderOptions) => Promise<void>) {
  const options = await optionsOf(setting)
  const loader = createLoader(options)
  try {
    await work(loader, options)
  } finally {
    await loader.close()
  }
}

const nothingMore: LeaseSource = { next: () => new Promise(() => {}), done: async () => {} }

test('batches come until the leases end, and the end stays the end', async () => {
  const leases = new ListedLeases(epochs(2, 3))
  await withLoader({ leases }, async (loader) => {
    const ids: string[] = []
    for (let batch = await loader.next(); batch; batch = await loader.next()) ids.push(...batch.ids)
    assert.equal(ids.length, 24)
    assert.equal(await loader.next(), null)
    assert.equal(leases.asked, 7)
    assert.deepEqual(leases.returned, [...epochs(2, 3)])
  })
})

test('the same seed and leases give the same batches; another seed gives others', async () => {
  const pixels = await png(7)
  const units = [[...records('a', 7), { id: 'odd', labels: [3], encoded: pixels }]]
  const run = async (seed: number) => {
    const batches: Batch[] = []
    await withLoader({ units, seed, leases: new ListedLeases(epochs(1, 2)) }, async (loader) => {
      for (let batch = await loader.next(); batch; batch = await loader.next()) batches.push(batch)
    })
    return batches
  }
  const first = await run(5)
  assert.deepEqual(await run(5), first)
  assert.notDeepEqual(await run(6), first)
})

test('no more is made than the queue holds, nor more leases taken', async () => {
  const leases = new ListedLeases(epochs(2))
  await withLoader({ leases, queueBatches: 3 }, async (loader) => {
    await eventually(() => assert.equal(loader.stats().queuedBatches, 3))
    await consistently(() => {
      assert.equal(loader.stats().queuedBatches, 3)
      // A lease is one batch here: three in the queue, one ready in the thread.
      assert.ok(leases.asked <= 4, `asked for ${leases.asked} leases`)
    })
    await loader.next()
    await eventually(() => assert.equal(loader.stats().queuedBatches, 3))
  })
})

test('reading, decoding and cropping cost the main thread next to nothing', async (t) => {
  if (!process.threadCpuUsage) return t.skip('this Node cannot tell threads apart')
  const input = { resizePixels: 160, cropPixels: 150, flip: true }
  await withLoader({ units: [records('a', 150)], input, batchSize: 10, cacheBytes: 0 }, async (loader) => {
    await loader.next()
    const [thread, whole] = [process.threadCpuUsage(), process.cpuUsage()]
    for (let i = 0; i < 30; i++) await loader.next()
    const own = process.threadCpuUsage(thread)
    const all = process.cpuUsage(whole)
    const share = (own.user + own.system) / (all.user + all.system)
    t.diagnostic(`main thread ${(100 * share).toFixed(1)}% of the CPU time`)
    assert.ok(share < 0.25, String(share))
  })
})

test('closing ends a thread that waits for a lease, and whoever waits for a batch', async () => {
  await withLoader({ leases: nothingMore }, async (loader) => {
    const waiting = assert.rejects(loader.next(), { name: 'AbortError', message: 'the loader was closed' })
    await loader.close()
    await waiting
    await assert.rejects(loader.next(), { name: 'AbortError' })
  })
})

test('an abort ends the wait with its reason, before and after the start', async () => {
  const reason = new DOMException('stopped by SIGTERM', 'AbortError')
  const early = AbortSignal.abort(reason)
  await withLoader({ leases: nothingMore, signal: early }, (loader) => assert.rejects(loader.next(), reason))
  const stop = new AbortController()
  await withLoader({ leases: nothingMore, signal: stop.signal }, async (loader) => {
    const waiting = assert.rejects(loader.next(), reason)
    stop.abort(reason)
    await waiting
  })
})

test('errors cross the thread with their codes', async () => {
  const damaged = { id: 'bad', labels: [2], encoded: Buffer.from('no picture') }
  const cases: [string, Setting][] = [
    ['BAD_DATA', { units: [[damaged]] }],
    ['LABEL_UNKNOWN', { units: [[{ id: 'x', labels: [44] }]] }],
    ['DATA_MISSING', { data: { path: 'elsewhere' } }],
    ['DATA_EMPTY', { units: [[], []] }],
    ['DATA_EMPTY', { units: [[damaged]], data: { maxCorruptRecords: 5 } }],
  ]
  for (const [code, setting] of cases) {
    await withLoader(setting, async (loader) => {
      await assert.rejects(
        loader.next(),
        (error: DownpourError) => error instanceof DownpourError && error.code === code,
      )
      await assert.rejects(loader.next(), { code }, 'and again')
    })
  }
})

test('a file that goes while it is in use is named', async () => {
  await withLoader({ batchSize: 2, cacheBytes: 0 }, async (loader, { folder }) => {
    await loader.next()
    await rm(join(folder, 'x-00001.tfrecord'))
    const drain = async () => {
      for (;;) await loader.next()
    }
    await assert.rejects(drain, { code: 'DATA_UNREADABLE', message: /x-00001\.tfrecord: cannot be read/ })
  })
})

test('a unit that only other workers see is refused', async () => {
  await withLoader({ leases: new ListedLeases([{ epoch: 0, unit: 2 }]) }, (loader) =>
    assert.rejects(loader.next(), {
      code: 'DATA_DIFFERS',
      message: /unit 2 of the data was leased, but only 2 are here/,
    }),
  )
})

test('a lease source that fails ends the wait with its own error', async () => {
  const lost = new DownpourError('FENCED', 'another pod has taken this place')
  const leases: LeaseSource = { next: () => Promise.reject(lost), done: async () => {} }
  await withLoader({ leases }, (loader) => assert.rejects(loader.next(), lost))
})

test('damage within the limit is told in the statistics', async () => {
  const damaged = { id: 'bad', labels: [2], encoded: Buffer.from('no picture') }
  await withLoader({ units: [[damaged, ...records('a', 4)]], data: { maxCorruptRecords: 1 } }, async (loader) => {
    await loader.next()
    assert.equal(loader.stats().corruptRecords, 1)
    assert.ok(loader.stats().waitSeconds > 0)
  })
})

test('facts of a set: its units, its labels and what is passed over', async () => {
  const { folder, config } = await optionsOf({})
  assert.deepEqual(await dataFacts(folder, config, 2), { units: 2, labels: FRUIT, passedOver: [] })
})

test('evaluation reads every example once, the same at every call', async () => {
  const { folder, config } = await optionsOf({})
  const read = () => collect(evaluationBatches({ folder, config, input: SQUARE, batchSize: 3 }))
  const first = await read()
  assert.deepEqual(
    first.map(({ targets }) => targets.length),
    [3, 3, 2],
  )
  assert.deepEqual(await read(), first)
})
