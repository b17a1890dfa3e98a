/**
 * One run of the loader in a process of its own.
 * usage: one-loader.ts FOLDER EPOCHS BATCHES COMPUTE_MS
 * It ends after so many epochs, or so many batches; COMPUTE_MS is a pretended training step after each batch.
 */
import type { ClassLabels } from '../../src/data/dataset.ts'
import { openLoader } from '../../src/input/loader.ts'
import { cpuSeconds, type Run } from './run.ts'
import { SHARDS } from './shards.ts'

const BATCH = 32

const [folder = '.', ...numbers] = process.argv.slice(2)
const [epochs = 1, batches = 1, computeMs = 0] = numbers.map(Number)
console.log(JSON.stringify(await measure(folder)))

async function measure(dataFolder: string): Promise<Run> {
  const open = await openLoader<ClassLabels>({
    thread: new URL('../../src/worker/loader-thread.ts', import.meta.url),
    folder: dataFolder,
    data: { path: '.', format: 'tfrecord', maxCorruptRecords: 0 },
    task: { type: 'multi-label', options: { classes: 10, headSlices: 1 }, input: {} },
    batchSize: BATCH,
    seed: 1,
    unitsToCheck: 0,
    cacheBytes: 0,
    signal: new AbortController().signal,
  })
  const [started, cpuBefore] = [performance.now(), cpuSeconds()]
  const loader = open.start(everyUnit(epochs))
  const waitsMs: number[] = []
  let images = 0
  while (waitsMs.length < batches) {
    const asked = performance.now()
    const batch = await loader.next()
    if (!batch) break
    waitsMs.push(performance.now() - asked)
    images += batch.targets.length
    if (computeMs > 0) blockFor(computeMs)
    loader.recycle(batch)
  }
  const seconds = (performance.now() - started) / 1000
  const used = cpuSeconds() - cpuBefore
  await open.close()
  const [firstMs = 0, ...laterMs] = waitsMs
  return {
    images,
    seconds,
    cpuSeconds: used,
    firstBatchSeconds: firstMs / 1000,
    longestWaitSeconds: Math.max(...laterMs) / 1000,
    waiting: laterMs.reduce((sum, ms) => sum + ms, 0) / (seconds * 1000 - firstMs),
  }
}

/** As a training step on an accelerator does, it blocks the main thread and leaves the cores to others. */
function blockFor(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

/** Leases of a job's epochs. */
function everyUnit(most: number) {
  let next = 0
  return {
    next: async () => (next < most * SHARDS ? { epoch: Math.floor(next / SHARDS), unit: next++ % SHARDS } : null),
    done: async () => {},
  }
}
