import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { JobStatus } from '../../../src/api/status.ts'
import { decide } from '../../../src/operator/decide.ts'
import { decideInvalid } from '../../../src/operator/invalid.ts'
import type { Observed, SourceFacts } from '../../../src/operator/observed.ts'
import {
  actionsOf,
  ago,
  conditionText,
  coordinator,
  finetuneJob,
  NOW,
  observed,
  pod,
  pretrainJob,
  saved,
  succeeded,
} from './builders.ts'

const final = (facts = {}) => saved(1000, { final: true, ...facts })

const facts = (status: JobStatus | undefined): SourceFacts => ({
  uid: 'uid-job',
  deleting: false,
  status,
  claimName: 'ckpt',
  metric: { name: 'mAP@100', better: 'higher' },
})

/** A PretrainJob that has come to a state, as the operator itself would have written it. */
function source(state: 'running' | 'succeeded' | 'failed' | 'gone', checkpoints = [saved(500), final()]) {
  if (state === 'gone') return undefined
  const pods = {
    running: [pod('ps', 0), pod('worker', 0)],
    succeeded: [succeeded('ps', 0)],
    failed: [pod('ps', 0), { ...pod('worker', 0), phase: 'Failed' as const, exitCode: 11, reason: 'OutOfData' }],
  }[state]
  const world = observed(pods, { coordinator: coordinator({ step: 500, checkpoints }) })
  return facts(decide(pretrainJob(), world, ago(10)).status)
}

const run = (spec: object, world: Partial<Observed>, status?: JobStatus) =>
  decide(finetuneJob({ spec, status }), observed([], world), NOW)
const from = (checkpoint: string, step?: number) => ({
  from: { pretrainJob: 'jft', checkpoint, ...(step && { step }) },
})

describe('spec.from', () => {
  const waits: { name: string; spec: object; source: ReturnType<typeof source>; expected: RegExp }[] = [
    {
      name: 'a job that does not exist',
      spec: {},
      source: source('gone'),
      expected: /^False SourceMissing: waits for PretrainJob "jft": it does not exist in namespace team/,
    },
    {
      name: 'latest: until it has succeeded, saying how far it is',
      spec: from('latest'),
      source: source('running'),
      expected: /^False SourceRunning: waits for PretrainJob "jft" to succeed; now Running at step 500 of 1000/,
    },
    {
      name: 'a job that is suspended: says what to do',
      spec: from('latest'),
      source: facts(decide(pretrainJob({ spec: { suspend: true } }), observed([], {}), NOW).status),
      expected: /^False SourceRunning: .*; now Suspended: set its spec\.suspend to false$/,
    },
    {
      name: 'best: until it has succeeded',
      spec: from('best'),
      source: source('running'),
      expected: /^False SourceRunning/,
    },
    {
      name: 'best of a job whose checkpoints get no score: says so before months of training',
      spec: from('best'),
      source: { ...(source('running') as SourceFacts), metric: undefined },
      expected: /^False SourceNotEvaluated: .*it has no spec.evaluation.*select latest/,
    },
    {
      name: 'a step that is not saved yet',
      spec: from('step', 700),
      source: source('running'),
      expected: /^False StepNotSaved: waits for PretrainJob "jft" to save step 700/,
    },
    {
      name: 'a job that is being deleted',
      spec: {},
      source: { ...facts(undefined), deleting: true },
      expected: /^False SourceDeleted/,
    },
    {
      name: 'a job whose spec is invalid',
      spec: {},
      source: { ...facts(undefined), claimName: undefined },
      expected: /^False SourceInvalid/,
    },
  ]
  for (const { name, spec, source, expected } of waits) {
    test(`waits: ${name}`, () => {
      const decision = run(spec, { source })
      assert.match(conditionText(decision, 'SourceResolved'), expected)
      assert.equal(decision.status.phase, 'Waiting')
      assert.deepEqual(decision.actions, [])
      const again = run(spec, { source }, decision.status)
      assert.deepEqual(again.status, decision.status)
      assert.deepEqual(again.events, [])
    })
  }

  const pins: { name: string; spec: object; source: ReturnType<typeof source>; step: number }[] = [
    {
      name: 'latest takes the last of a job that succeeded',
      spec: from('latest'),
      source: source('succeeded'),
      step: 1000,
    },
    {
      name: 'best takes the highest score',
      spec: from('best'),
      source: source('succeeded', [saved(400, { score: 0.5 }), saved(500, { score: 0.7 }), final({ score: 0.6 })]),
      step: 500,
    },
    {
      name: 'best takes the lowest score of a metric that is an error',
      spec: from('best'),
      source: {
        ...(source('succeeded', [
          saved(400, { score: 0.5 }),
          saved(500, { score: 0 }),
          final({ score: 0.6 }),
        ]) as SourceFacts),
        metric: { name: 'loss', better: 'lower' },
      },
      step: 500,
    },
    { name: 'a step is taken from a running job', spec: from('step', 500), source: source('running'), step: 500 },
    {
      name: 'a step is taken from a job that failed later',
      spec: from('step', 500),
      source: source('failed'),
      step: 500,
    },
  ]
  for (const { name, spec, source, step } of pins) {
    test(`${name}, and pins it before any pod is made`, () => {
      const decision = run(spec, { source })
      assert.deepEqual(decision.actions, [])
      assert.equal(decision.requeueAfterSeconds, 0)
      assert.deepEqual(decision.status.source, {
        pretrainJob: 'jft',
        uid: 'uid-job',
        step,
        digest: `digest-${step}`,
        path: `jft/step-${step}`,
        claimName: 'ckpt',
      })
      const next = run(spec, {}, decision.status)
      assert.equal(next.actions.length, 3, 'the pods are made, even though the source is gone by now')
      assert.deepEqual(next.status.source, decision.status.source)
    })
  }

  const failures: { name: string; spec: object; source: ReturnType<typeof source>; expected: RegExp }[] = [
    {
      name: 'the source failed',
      spec: from('latest'),
      source: source('failed'),
      expected: /^True SourceFailed: PretrainJob "jft" failed: OutOfData: worker-0/,
    },
    {
      name: 'the step was never kept',
      spec: from('step', 700),
      source: source('succeeded'),
      expected: /^True SourceUnusable: .* without keeping a checkpoint of step 700; kept: 500, 1000/,
    },
    {
      name: 'best of nothing scored',
      spec: from('best'),
      source: source('succeeded'),
      expected: /^True SourceUnusable: .*set its spec.evaluation/,
    },
  ]
  for (const { name, spec, source, expected } of failures) {
    test(`fails: ${name}`, () => assert.match(conditionText(run(spec, { source }), 'Failed'), expected))
  }

  test('a PretrainJob waits for its source and pins it, as a FinetuneJob does', () => {
    const from = { pretrainJob: 'imagenet', checkpoint: 'latest' } as const
    const decideWith = (world: Partial<Observed>, status?: JobStatus) =>
      decide(pretrainJob({ spec: { from }, status }), observed([], world), NOW)
    const waiting = decideWith({ source: source('running') })
    assert.match(conditionText(waiting, 'SourceResolved'), /^False SourceRunning/)
    assert.deepEqual([waiting.status.phase, waiting.actions], ['Waiting', []])
    const pinned = decideWith({ source: source('succeeded') })
    assert.deepEqual([pinned.status.source?.pretrainJob, pinned.status.source?.step], ['imagenet', 1000])
    assert.equal(decideWith({}, pinned.status).actions.length, 3)
  })

  test('init random waits for nobody', () => {
    const decision = run({ init: 'random', from: undefined }, {})
    assert.equal(decision.actions.length, 3)
    assert.equal(conditionText(decision, 'SourceResolved'), 'absent')
  })
})

describe('spec.transfers', () => {
  const transfer = (name: string, step?: number, facts = {}) => ({ name, step, exists: false, ended: false, ...facts })
  const pods = [pod('ps', 0), pod('worker', 0), pod('worker', 1)]
  const running = coordinator({ checkpoints: [saved(500)] })

  test('one at a step is made when that step is saved, one on success is not yet', () => {
    const transfers = [transfer('jft-birds-500', 500), transfer('jft-birds-700', 700), transfer('jft-end')]
    const decision = decide(pretrainJob(), observed(pods, { coordinator: running, transfers }), NOW)
    assert.deepEqual(actionsOf(decision), ['createTransfer jft-birds-500'])
  })

  test('one on success is made after the end is written, before the job expires', () => {
    const job = pretrainJob({ spec: { ttlSecondsAfterFinished: 0 } })
    const world = (facts: object) =>
      observed([succeeded('ps', 0)], { transfers: [transfer('jft-end', undefined, facts)] })
    const status = decide(job, world({}), ago(10)).status
    assert.deepEqual(actionsOf(decide({ ...job, status }, world({}), NOW)), ['createTransfer jft-end'])
    assert.deepEqual(actionsOf(decide({ ...job, status }, world({ exists: true }), NOW)), ['noteTransfers jft-end'])
    const made = (facts: object) => ({ ...world({ exists: true, ...facts }), transfersMade: ['jft-end'] })
    assert.deepEqual(actionsOf(decide({ ...job, status }, made({}), NOW)), [], 'its transfer would go with it')
    assert.deepEqual(actionsOf(decide({ ...job, status }, made({ ended: true }), NOW)), ['deleteJob'])
  })

  test('one that was made and deleted does not come back', () => {
    const transfers = [transfer('jft-birds-500', 500)]
    const world = observed(pods, { coordinator: running, transfers, transfersMade: ['jft-birds-500'] })
    assert.deepEqual(actionsOf(decide(pretrainJob(), world, NOW)), [])
  })
})

describe('a checkpoint that another job starts from', () => {
  const pods = [pod('ps', 0), pod('worker', 0), pod('worker', 1)]
  const pinned = (has: number[], wanted: number[]) =>
    actionsOf(decide(pretrainJob(), observed(pods, { coordinator: coordinator({ pinned: has }), pins: wanted }), NOW))

  test('is pinned, once, and again by a coordinator that has forgotten', () => {
    assert.deepEqual(pinned([], [500]), ['pinCheckpoints 500'])
    assert.deepEqual(pinned([500], [500]), [])
    assert.deepEqual(pinned([], [500]), ['pinCheckpoints 500'])
  })

  test('is released when nobody needs it any more', () => {
    assert.deepEqual(pinned([500, 700], [700]), ['pinCheckpoints 700'])
    assert.deepEqual(pinned([500], []), ['pinCheckpoints '])
  })

  test('waits while the coordinator cannot be reached', () => {
    assert.deepEqual(actionsOf(decide(pretrainJob(), observed(pods, { pins: [500] }), NOW)), [])
  })
})

describe('a spec that is invalid', () => {
  const issues = [{ path: 'spec.workers.replicas', value: 0, message: 'expected a whole number of at least 1' }]
  const { kind, metadata } = pretrainJob()

  test('is told field by field, and touches no pod', () => {
    const decision = decideInvalid({ kind, metadata }, issues, NOW)
    assert.equal(
      conditionText(decision, 'Failed'),
      'True InvalidSpec: spec.workers.replicas: 0: expected a whole number of at least 1',
    )
    assert.deepEqual([decision.actions, decision.status.phase], [[], 'Failed'])
    const again = decideInvalid({ kind, metadata, status: decision.status }, issues, NOW + 5000)
    assert.deepEqual([again.status, again.events], [decision.status, []])
  })

  test('once mended, the job begins', () => {
    const { status } = decideInvalid({ kind, metadata }, issues, NOW)
    const decision = decide(pretrainJob({ status }), observed([]), NOW)
    assert.equal(decision.actions.length, 3)
    assert.match(conditionText(decision, 'Failed'), /^False SpecValid/)
    assert.equal(decision.status.phase, 'Pending')
  })

  test('of a job that has ended changes nothing', () => {
    const { status } = decide(pretrainJob(), observed([succeeded('ps', 0)]), NOW)
    assert.equal(decideInvalid({ kind, metadata, status }, issues, NOW).status, status)
  })
})
