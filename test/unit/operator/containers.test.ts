import assert from 'node:assert/strict'
import { describe, suite, test } from 'node:test'
import fc from 'fast-check'
import { decide } from '../../../src/operator/decide.ts'
import type { RawPod } from '../../../src/operator/raw-pod.ts'
import { actionsOf, conditionText, coordinator, NOW, observed, pod, pretrainJob, saved } from './builders.ts'
import { container, ended, factsOf } from './pod-statuses.ts'
import { proxy, TABLE } from './status-table.ts'

function shownCondition(decision: ReturnType<typeof decide>): string {
  for (const type of ['Failed', 'Degraded'] as const) {
    const text = conditionText(decision, type)
    if (text.startsWith('True')) return text.replace('True', type)
  }
  return conditionText(decision, 'Running').replace(/^(True|False)/, 'Running')
}

suite('pods with sidecars and init containers that others have injected', () => {
  for (const { what, status, is, condition, spec } of TABLE) {
    test(what, () => {
      const facts = factsOf('worker', 0, status, { ...(spec && { spec }) })
      assert.deepEqual([facts.phase, facts.ready, facts.outlived], is)
      const pods = [pod('ps', 0), facts, pod('worker', 1)]
      assert.match(shownCondition(decide(pretrainJob(), observed(pods), NOW)), condition)
    })
  }

  test('have the same facts in any order of their container statuses', () => {
    const shuffled = fc
      .constantFrom(...TABLE)
      .chain(({ status }) =>
        fc.tuple(
          fc.constant(status),
          fc.shuffledSubarray(status.containerStatuses ?? [], { minLength: status.containerStatuses?.length ?? 0 }),
        ),
      )
    fc.assert(
      fc.property(shuffled, ([status, containerStatuses]) => {
        const [one, other] = [status, { ...status, containerStatuses }].map((kind) => factsOf('worker', 0, kind))
        assert.deepEqual(other, one)
      }),
    )
  })
})

describe('a pod whose sidecars outlive it', () => {
  const beside = (
    role: 'ps' | 'worker' | 'evaluator',
    state: Parameters<typeof container>[1],
    more: Partial<RawPod> = {},
  ) => factsOf(role, 0, { phase: 'Running', containerStatuses: [proxy, container(role, state)] }, more)
  const final = coordinator({ phase: 'done', step: 1000, checkpoints: [saved(1000, { final: true })] })
  const ending = { isEnding: true }

  test('has succeeded if its own container has: the job succeeds, and the pod is kept for its logs', () => {
    const pods = [beside('ps', ended(0)), beside('worker', ended(0)), pod('worker', 1)]
    const done = decide(pretrainJob(), observed(pods, { coordinator: final }), NOW)
    assert.equal(conditionText(done, 'Succeeded'), 'True Completed: trained to step 1000')
    assert.deepEqual(actionsOf(done), ['endPod', 'endPod'])
    const after = decide(pretrainJob({ status: done.status }), observed(pods), NOW)
    assert.deepEqual(actionsOf(after), ['deletePod uid-worker-1', 'endPod', 'endPod'])
  })

  test('is ended once, and deleted if it still runs two minutes after the end of the job', () => {
    const pods = [{ ...beside('ps', ended(0)), ...ending }]
    const { status } = decide(pretrainJob(), observed(pods, { coordinator: final }), NOW)
    const soon = decide(pretrainJob({ status }), observed(pods), NOW)
    assert.deepEqual([actionsOf(soon), soon.requeueAfterSeconds], [[], 120])
    assert.deepEqual(actionsOf(decide(pretrainJob({ status }), observed(pods), NOW + 120_000)), ['deletePod uid-ps-0'])
    const keep = pretrainJob({ status, spec: { cleanPodPolicy: 'None' } })
    assert.deepEqual(actionsOf(decide(keep, observed(pods), NOW + 120_000)), [])
  })

  test('is deleted before its successor is created if it is a parameter server', () => {
    const before = decide(pretrainJob(), observed([pod('ps', 0), pod('worker', 0), pod('worker', 1)]), NOW).status
    const workers = [pod('worker', 0), pod('worker', 1)]
    const dead = beside('ps', ended(137))
    let status = before
    for (let round = 0; round < 3; round++)
      status = decide(pretrainJob({ status }), observed([dead, ...workers]), NOW).status
    assert.equal(status.psGeneration, 1)
    const removed = decide(pretrainJob({ status }), observed([dead, ...workers]), NOW)
    assert.deepEqual(actionsOf(removed), ['deletePod uid-ps-0'])
    const going = decide(pretrainJob({ status }), observed([{ ...dead, deleting: true }, ...workers]), NOW)
    assert.deepEqual(actionsOf(going), [])
    assert.deepEqual(actionsOf(decide(pretrainJob({ status }), observed(workers), NOW)), [
      'createPod ps-0 attempt 1 generation 1 failures 1',
    ])
  })

  test('is deleted with the others when the job is suspended', () => {
    const job = pretrainJob({ spec: { suspend: true } })
    assert.deepEqual(actionsOf(decide(job, observed([beside('worker', ended(1))]), NOW)), ['deletePod uid-worker-0'])
  })

  test('reports through its termination message, not through its HTTP port', () => {
    const facts = beside('ps', ended(0, JSON.stringify(final)))
    assert.deepEqual([facts.phase, JSON.parse(facts.terminationMessage ?? '').step], ['Succeeded', 1000])
  })

  test('has isEnding set by its activeDeadlineSeconds, so that a restarted operator knows', () => {
    const spec = { nodeName: 'n', activeDeadlineSeconds: 1 }
    assert.equal(beside('worker', ended(1), { spec }).isEnding, true)
  })
})
