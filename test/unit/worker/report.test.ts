import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createWorkerMetrics } from '../../../src/metrics/worker.ts'
import { silentLog } from '../../../src/support/log.ts'
import { Reporter } from '../../../src/worker/report.ts'

const STATS = { corruptRecords: 0, queuedBatches: 0 }

interface Harness {
  reporter: Reporter
  /** Facts of the lines of progress. */
  logged: object[]
}

function makeReporter(): Harness {
  const logged: object[] = []
  const log = { ...silentLog, info: (facts: object) => void logged.push(facts) }
  return { reporter: new Reporter(0, createWorkerMetrics({ tensors: () => 0 }), log), logged }
}

/** Reports a step that ends so many seconds after the reporter was made. */
function stepAt(t: TestContext, seconds: number, work: () => void): void {
  const now = performance.now() + seconds * 1000
  const clock = t.mock.method(performance, 'now', () => now)
  work()
  clock.mock.restore()
}

test('status and log report the terms of the loss that the task names', (t) => {
  const { reporter, logged } = makeReporter()
  const parts = { classes: 0.5, boxes: 1.5 }
  stepAt(t, 11, () => reporter.onStep({ examples: 4, loss: 2, parts, seconds: 0.1, batches: 1, nonFinite: 0 }, STATS))
  const { loss, lossParts } = reporter.status
  assert.deepEqual({ loss, lossParts }, { loss: 2, lossParts: parts })
  assert.deepEqual(
    logged.map((facts) => ({ ...facts, rssMiB: 0, examplesPerSecond: 0 })),
    [{ localSteps: 1, loss: 2, lossParts: parts, rssMiB: 0, examplesPerSecond: 0 }],
  )
})

test('a task that names no terms adds nothing to the log', (t) => {
  const { reporter, logged } = makeReporter()
  stepAt(t, 11, () =>
    reporter.onStep({ examples: 4, loss: 2, parts: {}, seconds: 0.1, batches: 1, nonFinite: 0 }, STATS),
  )
  assert.deepEqual(reporter.status.lossParts, {})
  assert.ok(logged[0] && !('lossParts' in logged[0]))
})

test('progress is logged every ten seconds', (t) => {
  const { reporter, logged } = makeReporter()
  for (const seconds of [9, 11, 20, 22])
    stepAt(t, seconds, () =>
      reporter.onStep({ examples: 4, loss: 2, parts: {}, seconds: 0.1, batches: 1, nonFinite: 0 }, STATS),
    )
  assert.deepEqual(
    logged.map((facts) => (facts as { localSteps: number }).localSteps),
    [2, 4],
  )
})

test('a loss and terms that are not finite are null in the status', () => {
  const { reporter } = makeReporter()
  const parts = { classes: Number.NaN, boxes: 1 }
  reporter.onStep({ examples: 4, loss: Number.NaN, parts, seconds: 0.1, batches: 1, nonFinite: 0 }, STATS)
  const { loss, lossParts } = reporter.status
  assert.deepEqual({ loss, lossParts }, { loss: null, lossParts: { classes: null, boxes: 1 } })
})

test('memory includes that of other processes which compute', (t) => {
  const { reporter } = makeReporter()
  t.mock.method(process.memoryUsage, 'rss', () => 5)
  const step = { examples: 4, loss: 2, parts: {}, seconds: 0.1, batches: 2, nonFinite: 1 }
  reporter.onStep(step, { ...STATS, otherRssBytes: 70 })
  assert.equal(reporter.status.rssBytes, 75)
  assert.equal(reporter.status.localSteps, 3, 'batches, also those with gradients that are not finite')
})

test('the metric of the loss has no series before the first step', async (t) => {
  const metrics = createWorkerMetrics({ tensors: () => 0 })
  const reporter = new Reporter(0, metrics, silentLog)
  const loss = async () => /^downpour_worker_loss (.*)$/m.exec(await metrics.registry.metrics())?.[1]
  assert.equal(await loss(), undefined, '0 would look like a perfect model')
  stepAt(t, 1, () =>
    reporter.onStep({ examples: 4, loss: 0.5, parts: {}, seconds: 0.1, batches: 1, nonFinite: 0 }, STATS),
  )
  assert.equal(await loss(), '0.5')
})
