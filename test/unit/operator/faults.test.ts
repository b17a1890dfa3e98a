import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { podName, ROLES } from '../../../src/contract/names.ts'
import { DESIRED, podOfAnotherOwner, Simulation } from './simulation.ts'

const NAMES = ROLES.flatMap((role) =>
  Array.from({ length: DESIRED[role] }, (_, index) => podName('PretrainJob', 'jft', role, index)),
)
const name = fc.constantFrom(...NAMES)
const fault = fc.oneof(
  fc.record({ type: fc.constant('reconcile' as const), crashAfter: fc.nat(12) }),
  fc.record({
    type: fc.constant('exit' as const),
    name,
    exitCode: fc.constantFrom(1, 20, 100, 137, 143),
    outlived: fc.boolean(),
  }),
  fc.record({ type: fc.constantFrom('evict', 'vanish', 'drain', 'usurp', 'succeed'), name }),
  fc.record({ type: fc.constantFrom('kubelet', 'suspend', 'resume', 'loseService') }),
  fc.record({ type: fc.constant('wait' as const), seconds: fc.nat(20) }),
)
type Fault = typeof fault extends fc.Arbitrary<infer F> ? F : never

function inflict(world: Simulation, one: Fault): void {
  const ended = { ready: false, finishedAtMs: world.nowMs }
  const running = 'name' in one && world.pods.get(one.name)?.phase === 'Running'
  switch (one.type) {
    case 'reconcile':
      world.reconcile(one.crashAfter)
      break
    case 'exit':
      if (running) {
        const { exitCode, outlived } = one
        world.change(one.name, { ...ended, phase: 'Failed', exitCode, outlived, othersRun: outlived })
      }
      break
    case 'wait':
      world.nowMs += one.seconds * 1000
      break
    default:
      inflictByName(world, one)
  }
}

function inflictByName(world: Simulation, one: { type: string; name?: string }): void {
  const { name = '' } = one
  const there = world.pods.get(name)
  const effects: Record<string, () => void> = {
    evict: () => world.change(name, { phase: 'Failed', disruption: 'Evicted', finishedAtMs: world.nowMs }),
    vanish: () => world.pods.delete(name),
    drain: () => world.change(name, { deleting: true }),
    usurp: () => !there && world.pods.set(name, podOfAnotherOwner(name)),
    succeed: () => there?.role === 'worker' && world.change(name, { phase: 'Succeeded', finishedAtMs: world.nowMs }),
    kubelet: () => world.kubelet(),
    suspend: () => setSuspend(world, true),
    resume: () => setSuspend(world, false),
    loseService: () => (world.hasService = false),
  }
  effects[one.type]?.()
}

function setSuspend(world: Simulation, suspend: boolean): void {
  world.job = { ...world.job, spec: { ...world.job.spec, suspend } } as Simulation['job']
}

test('after random faults every pod runs again; none is created twice and none of another owner is touched', () => {
  fc.assert(
    fc.property(fc.array(fault, { maxLength: 60 }), (faults) => {
      const world = new Simulation()
      for (const one of faults) inflict(world, one)
      setSuspend(world, false)
      for (const [key, one] of world.pods) if (one.ownerUid === 'other') world.pods.delete(key)
      world.settle()
      const isUp = (one: string) => ['Running', 'Succeeded'].includes(world.pods.get(one)?.phase ?? '')
      assert.deepEqual(
        NAMES.filter((one) => !isUp(one)),
        [],
      )
      const { status, actions } = world.decide()
      assert.deepEqual([status, actions], [world.job.status, []], 'deciding again changes nothing')
      assert.notEqual(status.phase, 'Failed')
    }),
    { numRuns: 500 },
  )
})

describe('an operator that dies after any write', () => {
  /** Starts a job, loses a worker, then a parameter server. The operator dies after `crashAt` writes in total. */
  const runThrough = (crashAt: number) => {
    const world = new Simulation()
    let left = crashAt
    const reconcileAll = () => {
      for (let round = 0; round < 30; round++) {
        const before = left
        left -= world.reconcile(left)
        if (before > 0 && left === 0) left = Number.POSITIVE_INFINITY
        world.kubelet()
        world.nowMs += 5000
      }
    }
    const fail = (name: string) => world.change(name, { phase: 'Failed', exitCode: 137, finishedAtMs: world.nowMs })
    reconcileAll()
    fail('jft-pj-worker-1')
    reconcileAll()
    fail('jft-pj-ps-1')
    reconcileAll()
    const restarts = world.job.status?.restarts
    return { created: world.created.length, deleted: world.deleted, restarts, phase: world.job.status?.phase }
  }
  const undisturbed = runThrough(Number.POSITIVE_INFINITY)

  test('is compared with one that never dies and makes the expected writes', () => {
    assert.deepEqual(undisturbed, {
      created: 6 + 1 + 2,
      deleted: 1 + 2,
      restarts: { ps: 1, worker: 1, evaluator: 0, counted: 2, total: 2 },
      phase: 'Running',
    })
  })

  for (let write = 1; write <= 30; write++) {
    test(`makes the same creations and deletions and ends the same after dying at write ${write}`, () => {
      assert.deepEqual(runThrough(write), undisturbed)
    })
  }
})
