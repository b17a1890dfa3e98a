/**
 * Each asynchrony policy on a small least-squares problem, with any order of pulls, pushes, repeated pushes and departures,
 * compared in every bit with a plain implementation that is written out here.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { PushResult } from '../../../src/contract/exchange.ts'
import type { AsyncPolicy } from '../../../src/contract/training.ts'
import { POLICIES } from '../../../src/ps/async/policies.ts'
import type { Training } from '../../../src/ps/training.ts'
import { createRandom } from '../../../src/support/random.ts'
import { body, makeConfig, makeTraining, push, variable, worker } from './fixtures.ts'

const f = Math.fround
const RATE = 0.05
const WORKERS = 4
const SIZE = 5
/** Worker i has one equation, ROWS[i] · w = TARGETS[i]. */
const random = createRandom(5)
const ROWS = Array.from({ length: WORKERS }, () => Array.from({ length: SIZE }, () => f(random.normal())))
const TARGETS = [1, -2, 0.5, 3]

const zeros = () => new Array<number>(SIZE).fill(0)

function errorOf(i: number, weights: readonly number[]): number {
  const row = ROWS[i] as number[]
  return row.reduce((sum, value, j) => sum + value * (weights[j] as number), -(TARGETS[i] as number))
}

/** Of errorOf² / 2. */
function gradientOf(i: number, weights: readonly number[]): number[] {
  const error = errorOf(i, weights)
  return (ROWS[i] as number[]).map((value) => f(error * value))
}

interface Pulled {
  weights: number[]
  version: number
}

/** What a parameter server must do, without kernels, tables and messages. */
class Reference {
  weights = zeros()
  version = 0
  readonly #policy: AsyncPolicy
  /** Pushes of each active worker since it joined, on top of what the slowest one had then. */
  readonly #ahead = new Map<number, number>()
  /** syncBackup: the gradients of the next update, and their workers. */
  #gradients: number[][] = []
  #workers = new Set<number>()

  constructor(policy: AsyncPolicy) {
    this.#policy = policy
  }

  pull(i: number): Pulled | 'wait' {
    const ahead = this.#ahead.get(i)
    const policy = this.#policy
    if (policy.type === 'boundedDelay' && ahead !== undefined && ahead - this.#slowest() > policy.maxDelay)
      return 'wait'
    if (policy.type === 'syncBackup' && this.#workers.has(i)) return 'wait'
    if (ahead === undefined) this.#ahead.set(i, this.#ahead.size > 0 ? this.#slowest() : 0)
    return { weights: [...this.weights], version: this.version }
  }

  push(i: number, { weights, version }: Pulled, gradient: readonly number[]): PushResult {
    const ahead = this.#ahead.get(i)
    if (ahead !== undefined) this.#ahead.set(i, ahead + 1)
    const staleness = this.version - version
    switch (this.#policy.type) {
      case 'async':
      case 'boundedDelay':
        this.#descend(gradient, RATE)
        return 'applied'
      case 'lrOverStaleness':
        this.#descend(gradient, RATE / Math.max(1, staleness))
        return 'applied'
      case 'dcAsgd': {
        const lambda = f(this.#policy.delayCompensation)
        const change = (j: number) => f((this.weights[j] as number) - (weights[j] as number))
        this.#descend(
          gradient.map((g, j) => f(g + f(f(lambda * f(g * g)) * change(j)))),
          RATE,
        )
        return 'applied'
      }
      case 'syncBackup':
        if (staleness > 0) return 'stale'
        this.#gradients.push([...gradient])
        this.#workers.add(i)
        this.#updateIfComplete()
        return 'applied'
    }
  }

  leave(i: number): void {
    this.#ahead.delete(i)
    this.#updateIfComplete()
  }

  #slowest(): number {
    return Math.min(...this.#ahead.values())
  }

  #updateIfComplete(): void {
    if (this.#policy.type !== 'syncBackup') return
    const wanted = Math.max(1, Math.min(WORKERS - this.#policy.backups, this.#ahead.size))
    const count = this.#gradients.length
    if (count < wanted) return
    const sum = this.#gradients.reduce((total, one) => total.map((value, j) => f(value + (one[j] as number))), zeros())
    this.#gradients = []
    this.#workers.clear()
    this.#descend(
      sum.map((value) => f(value / count)),
      RATE,
    )
  }

  #descend(gradient: readonly number[], rate: number): void {
    this.weights = this.weights.map((w, j) => f(w - f(f(rate) * (gradient[j] as number))))
    this.version++
  }
}

/** The workers of the script, which run against the parameter server and the reference at once. */
class Both {
  readonly training: Training
  readonly reference: Reference
  readonly #pulled = new Map<number, Pulled>()
  readonly #sent = new Map<number, { seq: number; version: number; gradient: number[] }>()

  constructor(policy: AsyncPolicy) {
    const config = makeConfig({
      learningRate: { type: 'constant', initial: RATE },
      topology: { parameterServers: 1, workers: WORKERS, psHosts: ['127.0.0.1'] },
    })
    this.training = makeTraining({ ...config, async: { ...config.async, policy } }, [variable('w', SIZE)])
    for (let i = 0; i < WORKERS; i++) this.training.workers.admit(worker(i), 0, () => true)
    this.reference = new Reference(policy)
  }

  /** The worker pulls, or pushes the gradient of what it has pulled. @returns what the parameter server says */
  act(i: number): string {
    const pulled = this.#pulled.get(i)
    return pulled ? this.#push(i, pulled) : this.#pull(i)
  }

  /** The answer to the last push was lost. */
  repeat(i: number): void {
    const sent = this.#sent.get(i)
    if (!sent) return
    const again = push(sent.seq, { baseVersion: sent.version })
    const expected = this.training.workers.of(worker(i)).lastResult === 'stale' ? 'stale' : 'duplicate'
    assert.equal(this.training.push(worker(i), again, body(...sent.gradient)), expected)
  }

  leave(i: number): void {
    this.training.leave(worker(i))
    this.reference.leave(i)
    this.#pulled.delete(i)
  }

  #pull(i: number): string {
    const expected = this.reference.pull(i)
    assert.equal(this.training.mustWait(worker(i)), expected === 'wait')
    if (expected === 'wait') return 'wait'
    this.training.notePull(worker(i))
    this.#pulled.set(i, expected)
    return 'fresh'
  }

  #push(i: number, pulled: Pulled): string {
    const gradient = gradientOf(i, pulled.weights)
    const seq = (this.#sent.get(i)?.seq ?? 0) + 1
    const expected = this.reference.push(i, pulled, gradient)
    const sent = push(seq, { baseVersion: pulled.version })
    const result = this.training.push(worker(i), sent, body(...gradient))
    assert.equal(result, expected)
    this.#sent.set(i, { seq, version: pulled.version, gradient })
    this.#pulled.delete(i)
    return result
  }

  assertEqual(): void {
    assert.deepEqual([...this.training.shard.trainableWeights], this.reference.weights)
    assert.equal(this.training.version, this.reference.version)
  }
}

const anyWorker = fc.nat({ max: WORKERS - 1 })
const act = fc.record({ what: fc.constant('act' as const), who: anyWorker })
const script = fc.array(
  fc.oneof(
    { weight: 20, arbitrary: act },
    { weight: 1, arbitrary: fc.record({ what: fc.constantFrom('leave' as const, 'repeat' as const), who: anyWorker }) },
  ),
  { maxLength: 150, size: 'max' },
)
const SETTINGS: Readonly<Record<AsyncPolicy['type'], fc.Arbitrary<AsyncPolicy>>> = {
  async: fc.constant({ type: 'async' }),
  lrOverStaleness: fc.constant({ type: 'lrOverStaleness' }),
  dcAsgd: fc.record({ type: fc.constant('dcAsgd'), delayCompensation: fc.constantFrom(0, 0.04, 0.5) }),
  boundedDelay: fc.record({ type: fc.constant('boundedDelay'), maxDelay: fc.nat({ max: 3 }) }),
  syncBackup: fc.record({ type: fc.constant('syncBackup'), backups: fc.nat({ max: 3 }) }),
}

describe('in any order of pulls, pushes, repeated pushes and departures, weights and answers are those of a plain', () => {
  for (const type of Object.keys(POLICIES) as AsyncPolicy['type'][])
    test(type, () => {
      fc.assert(
        fc.property(SETTINGS[type], script, (policy, steps) => {
          const both = new Both(policy)
          for (const { what, who } of steps) {
            both[what](who)
            both.assertEqual()
          }
        }),
      )
    })

  test('the scripts of syncBackup make updates, and drop gradients', () => {
    const both = new Both({ type: 'syncBackup', backups: 1 })
    for (const i of [0, 1, 2, 3]) both.act(i)
    assert.deepEqual([both.act(0), both.act(1), both.act(0)], ['applied', 'applied', 'wait'])
    assert.equal(both.training.version, 0)
    assert.deepEqual([both.act(2), both.act(3)], ['applied', 'stale'])
    assert.equal(both.training.version, 1)
    assert.deepEqual([both.act(3), both.act(0)], ['fresh', 'fresh'])
    both.assertEqual()
  })
})

describe('the loss of the toy problem', () => {
  for (const type of Object.keys(POLICIES) as AsyncPolicy['type'][])
    test(`falls with ${type} to less than a hundredth when any worker is next`, () => {
      const policy = fc.sample(SETTINGS[type], { numRuns: 1, seed: 1 })[0] as AsyncPolicy
      const both = new Both(policy)
      const loss = () => ROWS.reduce((sum, _, i) => sum + errorOf(i, both.reference.weights) ** 2, 0)
      const before = loss()
      // In a fixed order, the same workers would always be too late for an update of syncBackup.
      for (let turn = 0; turn < 8000; turn++) both.act(random.int(WORKERS))
      assert.ok(loss() < before / 100, `${loss()} of ${before}`)
    })
})
