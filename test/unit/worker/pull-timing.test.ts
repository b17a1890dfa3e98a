/** When a worker that prefetches pulls. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createWorkerMetrics } from '../../../src/metrics/worker.ts'
import { silentLog } from '../../../src/support/log.ts'
import type { PullResult, PushReply } from '../../../src/worker/client.ts'
import { createExchange, type Exchange } from '../../../src/worker/exchange.ts'
import { PullTiming } from '../../../src/worker/pull-timing.ts'
import { Reporter } from '../../../src/worker/report.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { makeConfig } from '../ps/fixtures.ts'

function timingOf(stepMs: readonly number[], pullMs: readonly number[]): number {
  const timing = new PullTiming()
  for (const ms of stepMs) timing.noteStep(ms)
  for (const ms of pullMs) timing.notePull(ms)
  return timing.startMs
}

describe('a pull begins', () => {
  test('at once while nothing is known of steps or of pulls', () => {
    assert.deepEqual([timingOf([], []), timingOf([1000], []), timingOf([], [10])], [0, 0, 0])
  })

  test('twice the time of the longest pull before the end of the shortest step', () => {
    assert.equal(timingOf([1200, 1000, 1500], [80, 100, 90]), 800)
  })

  test('at once if it takes half of a step', () => {
    assert.equal(timingOf([1000], [500]), 0)
    assert.equal(timingOf([1000], [700]), 0)
  })

  test('again when it should, some steps after one that was short or a pull that was long', () => {
    const usual = Array.from({ length: 8 }, () => 1000)
    assert.equal(timingOf([100, ...usual], [900, ...usual.map(() => 100)]), 800)
  })
})

const PULL_MS = 100
const PUSH_MS = 50

/** A worker whose steps take as long as the test says, and when each of its requests was made. */
class Worker {
  readonly clock = new FakeClock()
  readonly pulledAtMs: number[] = []
  readonly #exchange: Exchange
  #steps = 0

  constructor() {
    const reply: PushReply = { result: 'applied', step: 0 }
    const pulled: PullResult = { step: 0, weights: new Map(), base: [], changed: true }
    const { async: how, maxNonFinite } = makeConfig()
    this.#exchange = createExchange({
      config: { async: { ...how, prefetch: true }, maxNonFinite },
      client: {
        done: false,
        pull: async () => {
          this.pulledAtMs.push(this.clock.monotonicMs())
          await this.clock.sleep(PULL_MS)
          return pulled
        },
        push: () => this.clock.sleep(PUSH_MS).then(() => reply),
      },
      report: new Reporter(0, createWorkerMetrics({ tensors: () => 0 }), silentLog),
      clock: this.clock,
      log: silentLog,
    })
  }

  /** @returns how long the step has waited for its weights */
  async step(ms: number): Promise<number> {
    const askedMs = this.clock.monotonicMs()
    let waitedMs = -1
    const ready = this.#exchange.weightsFor(this.#steps++).then(() => {
      waitedMs = this.clock.monotonicMs() - askedMs
    })
    while (waitedMs < 0) await this.clock.advance(1)
    await ready
    await this.clock.advance(ms)
    await this.#exchange.push({
      gradients: new Map(),
      statistics: new Map(),
      batches: 1,
      loss: 1,
      examples: 1,
      base: [],
    })
    return waitedMs
  }
}

describe('a worker that prefetches', () => {
  test('pulls late, and still waits for no weights', async () => {
    const worker = new Worker()
    for (let i = 0; i < 3; i++) await worker.step(1000)
    const beganMs = worker.clock.monotonicMs()
    assert.equal(await worker.step(1000), 0)
    const [last = 0] = worker.pulledAtMs.slice(-1)
    assert.ok(Math.abs(last - (beganMs + 1000 - 2 * PULL_MS)) <= 5, `pulled ${last - beganMs} ms after the beginning`)
  })

  test('pulls as soon as a step is over that was shorter than expected', async () => {
    const worker = new Worker()
    for (let i = 0; i < 3; i++) await worker.step(1000)
    await worker.step(300)
    const endedMs = worker.clock.monotonicMs()
    const waitedMs = await worker.step(1000)
    assert.ok(worker.pulledAtMs.includes(endedMs), `${worker.pulledAtMs} without ${endedMs}`)
    assert.ok(Math.abs(waitedMs - PULL_MS) <= 1)
  })
})
