/** What holds in every scenario. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { Scenario } from '../../../src/simulate/scenario.ts'
import { simulate } from '../../../src/simulate/simulate.ts'
import { scenario } from './scenarios.ts'

const seconds = fc.double({ min: 0, max: 0.5, noNaN: true })
const bytes = fc.integer({ min: 1, max: 10_000_000 })
const server = fc.record({
  pullBytes: bytes,
  pushBytes: bytes,
  pullSeconds: seconds,
  receiveSeconds: seconds,
  applySeconds: seconds,
})
const everyScenario: fc.Arbitrary<Scenario> = fc
  .record({
    workers: fc.integer({ min: 1, max: 12 }),
    worker: fc.record({
      computeSeconds: fc.record({
        mean: fc.double({ min: 0.01, max: 2, noNaN: true }),
        variation: fc.double({ min: 0, max: 0.5, noNaN: true }),
      }),
      inputSeconds: seconds,
      fetchEvery: fc.integer({ min: 1, max: 3 }),
      pushEvery: fc.integer({ min: 1, max: 3 }),
      prefetch: fc.boolean(),
    }),
    servers: fc.array(server, { minLength: 1, maxLength: 3 }),
    network: fc.record({
      bytesPerSecond: fc.double({ min: 1e6, max: 1e10, noNaN: true }),
      latencySeconds: fc.double({ min: 0, max: 0.1, noNaN: true }),
    }),
    seed: fc.nat(),
  })
  .map(scenario)
const RUNS = { numRuns: 60 }
/** Work that began before the measured steps may end in them. */
const EDGE = 1.1

suite('in every scenario', () => {
  test('no thread and no card works more than all the time', () => {
    fc.assert(
      fc.property(everyScenario, (one) => {
        for (const [name, share] of Object.entries(simulate(one).busy))
          assert.ok(share >= 0 && share <= 1 + 1e-9, `${name} is busy for ${share}`)
      }),
      RUNS,
    )
  })

  test('a server receives the bytes of the pushes that it applies', () => {
    fc.assert(
      fc.property(everyScenario, (one) => {
        const { stepsPerSecond, busy, measured } = simulate(one)
        const most = Math.max(...one.servers.map(({ pushBytes }) => pushBytes))
        const received = busy.serverReceives * one.network.bytesPerSecond
        // Those of the workers that are under way at either end.
        const edge = (most * one.workers) / measured.seconds
        assert.ok(Math.abs(received - stepsPerSecond * most) <= edge * EDGE, `${received} of ${stepsPerSecond * most}`)
      }),
      RUNS,
    )
  })

  test('steps a second are at most what the input, the servers and the workers allow', () => {
    fc.assert(
      fc.property(everyScenario, (one) => {
        const { stepsPerSecond, measured } = simulate(one)
        const { inputSeconds, pushEvery } = one.worker
        const slowest = Math.max(
          ...one.servers.map(({ receiveSeconds, applySeconds }) => receiveSeconds + applySeconds),
        )
        const more = one.workers / measured.seconds
        assert.ok(stepsPerSecond <= EDGE * (1 / slowest) + more)
        assert.ok(stepsPerSecond <= (EDGE * one.workers) / (pushEvery * inputSeconds) + more)
      }),
      RUNS,
    )
  })

  test('the staleness is never negative, and a worker that pulls anew for each push has none alone', () => {
    fc.assert(
      fc.property(everyScenario, (one) => {
        const { staleness } = simulate(one)
        assert.ok(staleness.mean >= 0 && staleness.p99 <= staleness.max)
        const { fetchEvery, pushEvery, prefetch } = one.worker
        if (one.workers === 1 && pushEvery % fetchEvery === 0 && !prefetch) assert.equal(staleness.max, 0)
      }),
      RUNS,
    )
  })

  test('bodies of all workers at once are the most that a server holds', () => {
    fc.assert(
      fc.property(everyScenario, (one) => {
        const most = Math.max(...one.servers.map(({ pullBytes, pushBytes }) => pullBytes + pushBytes))
        assert.ok(simulate(one).peakBodyBytes <= one.workers * most)
      }),
      RUNS,
    )
  })
})
