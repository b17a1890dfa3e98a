import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { BroadcastChannel } from 'node:worker_threads'
import type { DataConfig } from '../../../src/contract/runtime.ts'
import type { ClassLabels } from '../../../src/data/dataset.ts'
import type { Batch, LeaseSource } from '../../../src/input/batch.ts'
import { type Loader, type LoaderOptions, type OpenLoader, openLoader } from '../../../src/input/loader.ts'
import { DownpourError } from '../../../src/support/errors.ts'
import { consistently, eventually } from '../../support/eventually.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { FRUIT, inside, png, records, writeRecords } from '../data/builders.ts'
import { epochs, INPUT, ListedLeases } from './builders.ts'

const root = temporaryFolder()
const THREAD = new URL('../../../src/worker/loader-thread.ts', import.meta.url)

interface Setting extends Partial<Omit<LoaderOptions, 'data'>> {
  units?: Parameters<typeof writeRecords>[1]
  data?: Partial<DataConfig>
  leases?: LeaseSource
}

async function optionsOf({ units = [records('a', 4), records('b', 4)], data, leases: _, ...given }: Setting) {
  const folder = inside(root)
  const options: LoaderOptions = {
    thread: THREAD,
    folder,
    data: { ...(await writeRecords(folder, units)), ...data },
    task: INPUT,
    batchSize: 4,
    seed: 1,
    unitsToCheck: 0,
    signal: new AbortController().signal,
    ...given,
  }
  return options
}

/** Runs `check` with a loader and closes it, also after a failure. */
async function withOpen(
  setting: Setting,
  work: (open: OpenLoader<ClassLabels>, options: LoaderOptions) => Promise<void>,
) {
  const options = await optionsOf(setting)
  const open = await openLoader<ClassLabels>(options)
  try {
    await work(open, options)
  } finally {
    await open.close()
  }
}

function withLoader(setting: Setting, work: (loader: Loader<ClassLabels>, options: LoaderOptions) => Promise<void>) {
  const leases = setting.leases ?? new ListedLeases(epochs(setting.units?.length ?? 2))
  return withOpen(setting, ({ start }, options) => work(start(leases), options))
}

const nothingMore: LeaseSource = { next: () => new Promise(() => {}), done: async () => {} }

test('next returns batches until the leases end, then null', async () => {
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

test('the same seed and leases give the same batches; another seed gives other batches', async () => {
  const pixels = await png(7)
  const units = [[...records('a', 7), { id: 'odd', labels: [3], encoded: pixels }]]
  const run = async (seed: number) => {
    const batches: Batch<ClassLabels>[] = []
    await withLoader({ units, seed, leases: new ListedLeases(epochs(1, 2)) }, async (loader) => {
      for (let batch = await loader.next(); batch; batch = await loader.next()) batches.push(batch)
    })
    return batches
  }
  const first = await run(5)
  assert.deepEqual(await run(5), first)
  assert.notDeepEqual(await run(6), first)
})

test('the loader prepares no more batches than the queue holds, and takes no more leases', async () => {
  const leases = new ListedLeases(epochs(2))
  await withLoader({ leases, queueBatches: 3 }, async (loader) => {
    await eventually(() => assert.equal(loader.stats().queuedBatches, 3))
    await consistently(() => {
      assert.equal(loader.stats().queuedBatches, 3)
      // Each lease is one batch: three are in the queue, one is ready in the thread, and others are read ahead.
      assert.ok(leases.asked <= 16, `asked for ${leases.asked} leases`)
    })
    await loader.next()
    await eventually(() => assert.equal(loader.stats().queuedBatches, 3))
  })
})

test('the memory of a batch is used again after it is recycled, and not before', async () => {
  await withLoader({ leases: new ListedLeases(epochs(2)) }, async (loader) => {
    const recycled: Float32Array[] = []
    const kept = (await loader.next())?.images as Float32Array
    const pixels = kept.slice()
    let last = kept
    for (let i = 0; i < 8; i++) {
      const batch = (await loader.next()) as Batch<ClassLabels>
      last = batch.images
      if (i < 7) recycled.push(last)
      if (i < 7) loader.recycle(batch)
    }
    assert.deepEqual(kept, pixels)
    for (const images of recycled) images[0] = 42
    assert.equal(last[0], 42, 'it is in the memory of an earlier one')
  })
})

test('reading, decoding and cropping hardly use the main thread', async (t) => {
  if (!process.threadCpuUsage) return t.skip('this Node cannot tell threads apart')
  const input = { resizePixels: 160, cropPixels: 150, flip: true }
  const task = { ...INPUT, input }
  await withLoader({ units: [records('a', 150)], task, batchSize: 10, cacheBytes: 0 }, async (loader) => {
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

test('closing ends a thread that waits for a lease, and pending calls of next', async () => {
  await withOpen({}, async (open) => {
    const loader = open.start(nothingMore)
    const waiting = assert.rejects(loader.next(), { name: 'AbortError', message: 'the loader was closed' })
    await open.close()
    await waiting
    await assert.rejects(loader.next(), { name: 'AbortError' })
  })
})

test('an abort rejects with its reason, before and after the start', async () => {
  const reason = new DOMException('stopped by SIGTERM', 'AbortError')
  const early = AbortSignal.abort(reason)
  await assert.rejects(openLoader(await optionsOf({ signal: early })), reason)
  const stop = new AbortController()
  await withLoader({ leases: nothingMore, signal: stop.signal }, async (loader) => {
    const waiting = assert.rejects(loader.next(), reason)
    stop.abort(reason)
    await waiting
  })
})

test('images for calibration are chosen by the seed, whatever the leases, and take none of them', async () => {
  const run = async (seed: number, leases: ListedLeases) => {
    const ids: string[] = []
    await withOpen({ seed }, async ({ start }) => {
      const loader = start(leases, { calibrationImages: 5 })
      for (let batch = await loader.next(); batch; batch = await loader.next()) ids.push(batch.ids.join())
    })
    return { calibrated: ids.slice(0, 2), trained: ids.slice(2) }
  }
  const all = new ListedLeases(epochs(2, 1))
  const [one, other] = [await run(1, all), await run(1, new ListedLeases([{ epoch: 3, unit: 1 }]))]
  assert.deepEqual(one.calibrated, other.calibrated)
  assert.deepEqual(all.returned, [...epochs(2, 1)])
  assert.equal(new Set(one.trained.join().split(',')).size, 8, 'every image is trained')
  assert.notDeepEqual((await run(2, new ListedLeases(epochs(2, 1)))).calibrated, one.calibrated)
})

test('errors keep their codes between threads', async () => {
  const damaged = { id: 'bad', labels: [2], encoded: Buffer.from('no picture') }
  const cases: [string, Setting][] = [
    ['BAD_DATA', { units: [[damaged]] }],
    ['LABEL_UNKNOWN', { units: [[{ id: 'x', labels: [44] }]] }],
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

test('a bad data set is refused when it is opened', async () => {
  const cases: [string, Setting][] = [
    ['DATA_MISSING', { data: { path: 'elsewhere' } }],
    ['LABEL_UNKNOWN', { units: [[{ id: 'x', labels: [44] }]], unitsToCheck: Number.POSITIVE_INFINITY }],
    ['DATA_EMPTY', { units: [[], []], unitsToCheck: Number.POSITIVE_INFINITY }],
    ['DATA_NO_LABELS', { units: [records('a', 2, [])], isContentChecked: true }],
  ]
  for (const [code, setting] of cases)
    await assert.rejects(
      openLoader(await optionsOf(setting)),
      (error: DownpourError) => error instanceof DownpourError && error.code === code,
    )
})

test('a file that disappears during use is an error with its name', async () => {
  await withLoader({ batchSize: 2, cacheBytes: 0 }, async (loader, { folder }) => {
    await loader.next()
    await rm(join(folder, 'x-00001.tfrecord'))
    const drain = async () => {
      for (;;) await loader.next()
    }
    await assert.rejects(drain, { code: 'DATA_UNREADABLE', message: /x-00001\.tfrecord: cannot be read/ })
  })
})

test('a lease of a unit that this worker does not have is refused', async () => {
  await withLoader({ leases: new ListedLeases([{ epoch: 0, unit: 2 }]) }, (loader) =>
    assert.rejects(loader.next(), {
      code: 'DATA_DIFFERS',
      message: /unit 2 /,
    }),
  )
})

test('a failing lease source rejects next with its own error', async () => {
  const lost = new DownpourError('FENCED', 'another pod has taken this place')
  const leases: LeaseSource = { next: () => Promise.reject(lost), done: async () => {} }
  await withLoader({ leases }, (loader) => assert.rejects(loader.next(), lost))
})

test('damage within the limit is counted in the statistics', async () => {
  const damaged = { id: 'bad', labels: [2], encoded: Buffer.from('no picture') }
  await withLoader({ units: [[damaged, ...records('a', 4)]], data: { maxCorruptRecords: 1 } }, async (loader) => {
    await loader.next()
    assert.equal(loader.stats().corruptRecords, 1)
  })
})

test('an open data set has its units, its labels and its skipped files', async () => {
  await withOpen({}, async ({ facts }) => assert.deepEqual(facts, { units: 2, labels: FRUIT, passedOver: [] }))
})

test('labels are those of the job if classes are given', async () => {
  const last = FRUIT.length - 1
  const reversed = FRUIT.map(({ id, name, parents }) => ({
    id: last - id,
    name,
    parents: parents.map((one) => last - one),
  }))
  const classes = reversed.reverse()
  await withOpen({ units: [records('a', 4, [3])] }, async ({ start }) => {
    const batch = await start(new ListedLeases(epochs(1)), { classes }).next()
    assert.deepEqual(batch?.targets, new Array(4).fill({ labels: [0, 3] }))
  })
})

test('the data set is listed once and its labels are read once, also with later requests', async () => {
  const opened: string[] = []
  const counts = new BroadcastChannel('opened')
  counts.onmessage = (message) => void opened.push(String((message as MessageEvent).data))
  const thread = new URL('./counting-thread.ts', import.meta.url)
  const leases = new ListedLeases(epochs(2, 3))
  // One decoder does not read ahead into the next epoch.
  const setting = { thread, unitsToCheck: Number.POSITIVE_INFINITY, decoders: 1 }
  try {
    await withOpen(setting, async ({ start }, { folder }) => {
      const loader = start(leases, { classes: FRUIT })
      for (let batch = await loader.next(); batch; batch = await loader.next());
      const shards = ['open x-00000.tfrecord', 'open x-00001.tfrecord']
      // Each shard is opened for the check and for the first epoch; then it is cached.
      const expected = [`readdir ${basename(folder)}`, 'open labels.json', ...shards, ...shards]
      await eventually(() => assert.deepEqual(opened.toSorted(), expected.toSorted()))
    })
  } finally {
    counts.close()
  }
})
