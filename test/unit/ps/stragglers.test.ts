import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Stragglers } from '../../../src/ps/stragglers.ts'

const LIMITS = { slowerThan: 2, forSeconds: 60 }
const JUDGED_EVERY_MS = 2000

/** Workers whose steps take as long as `stepMs` says, judged every 2 seconds. */
class Simulation {
  readonly stragglers: Stragglers
  nowMs = 0
  readonly #stepMs: (worker: number, step: number) => number
  readonly #next: { atMs: number; step: number }[]

  constructor(workers: number, stepMs: (worker: number, step: number) => number) {
    this.stragglers = new Stragglers(LIMITS, () => this.nowMs)
    this.#stepMs = stepMs
    this.#next = Array.from({ length: workers }, (_, worker) => ({ atMs: stepMs(worker, 0), step: 0 }))
    for (let worker = 0; worker < workers; worker++) this.stragglers.onPull(worker)
  }

  run(forSeconds: number): void {
    const untilMs = this.nowMs + forSeconds * 1000
    for (let judgedMs = this.nowMs; judgedMs < untilMs; judgedMs += JUDGED_EVERY_MS) {
      for (const [worker, next] of this.#next.entries()) this.#pushUntil(worker, next, judgedMs)
      this.nowMs = judgedMs
      this.stragglers.judge()
    }
  }

  get slow(): number[] {
    return this.stragglers.list().map(({ worker }) => worker)
  }

  #pushUntil(worker: number, next: { atMs: number; step: number }, untilMs: number): void {
    while (next.atMs <= untilMs) {
      this.nowMs = next.atMs
      this.stragglers.onPushed(worker)
      this.stragglers.onPull(worker)
      next.atMs += this.#stepMs(worker, ++next.step)
    }
  }
}

describe('a worker is a straggler', () => {
  test('when its steps have taken longer than the factor for long enough', () => {
    const simulation = new Simulation(5, (worker) => (worker === 3 ? 2500 : 1000))
    simulation.run(30)
    assert.deepEqual(simulation.slow, [])
    simulation.run(60)
    assert.deepEqual(simulation.slow, [3])
    const [found] = simulation.stragglers.list()
    assert.equal(found?.slowness, 2.5)
    assert.ok((found?.sinceMs ?? 0) >= 12_000, 'it is judged from its fifth step on')
  })

  test('when it has stopped in the middle of a step', () => {
    const simulation = new Simulation(4, (worker, step) => (worker === 1 && step === 20 ? 1e9 : 1000))
    simulation.run(90)
    assert.deepEqual(simulation.slow, [1])
  })

  test('no more when it is fast again, or has left', () => {
    const slowUntil = (step: number) => (worker: number, at: number) => (worker === 0 && at < step ? 3000 : 1000)
    const recovers = new Simulation(4, slowUntil(40))
    recovers.run(110)
    assert.deepEqual(recovers.slow, [0])
    recovers.run(60)
    assert.deepEqual(recovers.slow, [])
    const leaves = new Simulation(4, slowUntil(1000))
    leaves.run(110)
    leaves.stragglers.leave(0)
    assert.deepEqual(leaves.slow, [])
  })
})

describe('no worker is a straggler', () => {
  test('because of steps that vary by a third, or single ones that take a hundred times as long', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.double({ min: 0.75, max: 1.25, noNaN: true })), fc.nat(20), (noise, every) => {
        const stepMs = (worker: number, step: number) => {
          const pause = step % (10 + every) === worker ? 30_000 : 0
          return 1000 * (noise.next().value as number) + pause
        }
        const simulation = new Simulation(6, stepMs)
        simulation.run(600)
        assert.deepEqual(simulation.slow, [])
      }),
      { numRuns: 20 },
    )
  })

  test('when half of them run on slower machines, or all become slower together', () => {
    const halves = new Simulation(6, (worker) => (worker % 2 === 0 ? 1000 : 3000))
    halves.run(300)
    assert.deepEqual(halves.slow, [])
    const together = new Simulation(6, (_, step) => (step < 30 ? 1000 : 9000))
    together.run(600)
    assert.deepEqual(together.slow, [])
  })

  test('of two: the median of two is no judge', () => {
    const simulation = new Simulation(2, (worker) => (worker === 0 ? 1000 : 10_000))
    simulation.run(300)
    assert.deepEqual(simulation.slow, [])
  })

  test('because others make it wait; the slow one that they wait for is found', () => {
    let nowMs = 0
    const stragglers = new Stragglers(LIMITS, () => nowMs)
    const workers = [0, 1, 2, 3]
    for (const worker of workers) stragglers.onPull(worker)
    for (let round = 1; round <= 30; round++) {
      // Every worker waits for worker 2, as with boundedDelay and maxDelay: 0.
      nowMs = 5000 * (round - 1) + 1000
      for (const worker of workers.filter((one) => one !== 2)) {
        stragglers.onPushed(worker)
        stragglers.onWait(worker)
      }
      nowMs = 5000 * round
      stragglers.judge()
      stragglers.onPushed(2)
      for (const worker of workers) stragglers.onPull(worker)
    }
    assert.deepEqual(
      stragglers.list().map(({ worker, slowness }) => [worker, slowness]),
      [[2, 5]],
    )
  })
})
