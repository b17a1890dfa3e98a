import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Lease } from '../../../../src/contract/exchange.ts'
import { exitCodeOf } from '../../../../src/contract/exit-codes.ts'
import { exitClass } from '../../../../src/contract/runtime.ts'
import type { CalibratingSource } from '../../../../src/worker/step-source.ts'
import { eventually } from '../../../support/eventually.ts'
import { FakeClock } from '../../../support/fake-clock.ts'
import { type ProcessScript, VALUES } from './script.ts'
import { type OpenOptions, openScripted, processesOf } from './scripted.ts'

type Scripts = readonly Partial<ProcessScript>[]

/** @param units of the leases in order, then none */
function leasesOf(units: readonly number[]) {
  const left = [...units]
  return {
    next: async (): Promise<Lease | null> => {
      const unit = left.shift()
      return unit === undefined ? null : { epoch: 0, unit }
    },
    done: async () => {},
  }
}

const ONES = Array.from({ length: 30 }, () => 1)

/** Closes the processes with the test. @returns their source, with weights of zero */
async function started(t: TestContext, scripts: Scripts, units = ONES, more: Partial<OpenOptions> = {}) {
  const mark = randomUUID()
  const opened = await openScripted({ scripts, mark, ...more })
  t.after(() => opened.close())
  const source = opened.start(leasesOf(units), { calibrationImages: 64 })
  load(source, 0)
  return { opened, source, mark }
}

function load(source: CalibratingSource, weight: number): void {
  const w = new Float32Array(VALUES).fill(weight)
  source.load(new Map([...[['w', w] as const], ['mean', new Float32Array(1)], ['fixed', new Float32Array(2)]]))
}

/** The one value that all gradients of the step have. */
function commonValue(step: Awaited<ReturnType<CalibratingSource['next']>>): number | undefined {
  const values = step?.gradients.get('w')
  assert.equal(values?.length, VALUES)
  assert.ok(values.every((value) => value === values[0]))
  return values[0]
}

test('gradients are added in the order of the processes, in float32', async (t) => {
  const { source } = await started(t, [{ gradient: 2 ** 24 }, { gradient: 1 }, { gradient: 1 }])
  assert.equal(commonValue(await source.next()), 2 ** 24, '1 + 1 + 2^24 would be 2^24 + 2')
})

test('a step has the sums of all processes, and means of losses', async (t) => {
  const waits: number[] = []
  const onWaited = (seconds: number) => void waits.push(seconds)
  const { opened, source } = await started(t, [{}, {}], [2, 4], { onWaited })
  assert.equal(opened.backend, 'scripted')
  const step = await source.next()
  assert.equal(commonValue(step), 6)
  const { loss, parts, examples, batches, nonFinite, seconds, statistics } = step ?? {}
  assert.deepEqual(
    { loss, parts, examples, batches, nonFinite, seconds },
    {
      ...{ loss: 3, parts: { half: 1.5 }, examples: 8, batches: 2, nonFinite: 0, seconds: 0.5 },
    },
  )
  assert.deepEqual([...(statistics?.get('mean') ?? [])], [6])
  assert.deepEqual(source.stats(), { corruptRecords: 2, queuedBatches: 4, otherRssBytes: 2000 })
  assert.deepEqual(waits, [0])
})

test('the sum is written where the caller wants it', async (t) => {
  const { source } = await started(t, [{}, {}])
  const into = new Map([['w', new Float32Array(VALUES)]])
  const step = await source.next(into)
  assert.equal(step?.gradients.get('w'), into.get('w'))
  assert.equal(commonValue(step), 2)
})

test('the processes compute on the weights that were loaded last', async (t) => {
  const { source } = await started(t, [{}, {}])
  assert.equal(commonValue(await source.next()), 2)
  load(source, 10)
  assert.equal(commonValue(await source.next()), 22)
  assert.equal(commonValue(await source.next()), 22)
})

test('leases are dealt out to the processes in turn', async (t) => {
  const { source } = await started(t, [{ gradient: 1 }, { gradient: 100 }], [1, 2, 3, 4])
  assert.deepEqual([commonValue(await source.next()), commonValue(await source.next())], [201, 403])
  assert.equal(await source.next(), null, 'there are no more leases')
})

test('a gradient that is not finite is left out of the sum', async (t) => {
  const { source } = await started(t, [{ badSteps: [0, 1] }, { gradient: 10 }, { gradient: 100, badSteps: [1] }])
  const step = await source.next()
  assert.equal(commonValue(step), 110)
  assert.deepEqual([step?.batches, step?.nonFinite, step?.examples, step?.loss], [2, 1, 8, 1])
  const alone = await source.next()
  assert.deepEqual([commonValue(alone), alone?.batches, alone?.nonFinite], [10, 1, 2])
})

test('a step without any finite gradient has none', async (t) => {
  const { source } = await started(t, [{ badSteps: [0] }, { badSteps: [0] }])
  const step = await source.next()
  assert.deepEqual([step?.batches, step?.nonFinite, step?.gradients.size], [0, 2, 0])
  assert.equal(commonValue(await source.next()), 2)
})

test('process 0 measures the statistics of batch norm on its first images', async (t) => {
  const { source } = await started(t, [{}, {}])
  const weights = new Map([['w', new Float32Array(VALUES).fill(3)]])
  const others = new Map([
    ['mean', new Float32Array(1)],
    ['fixed', new Float32Array(2)],
  ])
  const measured = await source.measure(new Map([...weights, ...others]))
  assert.deepEqual([...(measured.get('mean') ?? [])], [3 * 64])
})

test('the error of a process is that of the worker, and ends all processes', async (t) => {
  const { opened, source, mark } = await started(t, [{}, { failsAt: 1, code: 'NON_FINITE' }])
  await source.next()
  await assert.rejects(source.next(), { code: 'NON_FINITE', message: 'process 1 of 2: a script' })
  assert.ok(opened.signal.aborted, 'a worker that waits for something else fails, too')
  assert.equal(opened.signal.reason.code, 'NON_FINITE')
  await assert.rejects(source.next(), { code: 'NON_FINITE' })
  await opened.close()
  assert.deepEqual(processesOf(mark), [])
})

test('a process that is killed fails the worker with a code that is retried', async (t) => {
  const { opened, source, mark } = await started(t, [{}, { killedAt: 1 }, {}])
  await source.next()
  await assert.rejects(source.next(), { code: 'PROCESS_LOST', message: /^process 1 of 3: signal SIGKILL ended it/ })
  assert.equal(exitClass(exitCodeOf('PROCESS_LOST')), 'retryable')
  await opened.close()
  assert.deepEqual(processesOf(mark), [])
})

test('a process that is killed between two steps aborts the signal', async (t) => {
  const { opened, mark } = await started(t, [{}, {}])
  const [pid = 0] = processesOf(mark)
  process.kill(pid, 'SIGKILL')
  await eventually(() => assert.equal(opened.signal.reason?.code, 'PROCESS_LOST'))
})

test('processes that do not open their data leave none behind', async () => {
  const mark = randomUUID()
  await assert.rejects(openScripted({ scripts: [{}, { opens: false }], mark }), { code: 'DATA_EMPTY' })
  assert.deepEqual(processesOf(mark), [])
})

test('a process that does not answer after the others is not waited for without end', async (t) => {
  const clock = new FakeClock()
  const { source } = await started(t, [{}, { hangsAt: 0 }], ONES, { clock })
  const step = source.next()
  await eventually(() => assert.deepEqual(clock.waits, [600_000]))
  clock.advance(600_000)
  await assert.rejects(step, { code: 'PROCESS_SILENT', message: /10 minutes/ })
})

test('a process that waits for a lease does not hang', async (t) => {
  const clock = new FakeClock()
  const opened = await openScripted({ scripts: [{}, {}], mark: randomUUID(), clock })
  t.after(() => opened.close())
  const second = Promise.withResolvers<Lease>()
  const leases = [Promise.resolve({ epoch: 0, unit: 1 }), second.promise]
  const source = opened.start({ next: async () => (await leases.shift()) ?? null, done: async () => {} }, {})
  load(source, 0)
  const step = source.next()
  await eventually(() => assert.equal(leases.length, 0, 'both have asked'))
  for (let minutes = 0; minutes < 30; minutes += 10) {
    await eventually(() => assert.deepEqual(clock.waits, [600_000]))
    clock.advance(600_000)
  }
  second.resolve({ epoch: 0, unit: 2 })
  assert.equal(commonValue(await step), 3)
})

test('a worker that is stopped waits for no process', async (t) => {
  const stop = new AbortController()
  const { source } = await started(t, [{ hangsAt: 0 }, {}], ONES, { signal: stop.signal })
  const step = source.next()
  const reason = new DOMException('stopped by SIGTERM', 'AbortError')
  stop.abort(reason)
  await assert.rejects(step, reason)
})

test('an error of the leases fails the step', async (t) => {
  const opened = await openScripted({ scripts: [{}, {}], mark: randomUUID() })
  t.after(() => opened.close())
  const error = new Error('fenced')
  const source = opened.start({ next: () => Promise.reject(error), done: async () => {} }, {})
  load(source, 0)
  await assert.rejects(source.next(), error)
})

test('no process stays behind when the worker is killed', async (t) => {
  const mark = randomUUID()
  const program = fileURLToPath(new URL('./killed-worker.ts', import.meta.url))
  const worker = spawn(process.execPath, [program, mark], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => worker.kill('SIGKILL'))
  await once(worker.stdout, 'data')
  assert.equal(processesOf(mark).length, 2)
  worker.kill('SIGKILL')
  await eventually(() => assert.deepEqual(processesOf(mark), []))
})
