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

/** @returns the facts of a PretrainJob in this state, with the status that the operator itself decides */
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
      name: 'the source does not exist',
      spec: {},
      source: source('gone'),
      expected: /^False SourceMissing: waits for PretrainJob "jft": it does not exist in namespace team/,
    },
    {
      name: 'latest needs a source that has succeeded; the message shows its progress',
      spec: from('latest'),
      source: source('running'),
      expected: /^False SourceRunning: waits for PretrainJob "jft" to succeed; now Running at step 500 of 1000/,
    },
    {
      name: 'the source is suspended; the message says how to resume it',
      spec: from('latest'),
      source: facts(decide(pretrainJob({ spec: { suspend: true } }), observed([], {}), NOW).status),
      expected: /^False SourceRunning: .*; now Suspended: set its spec\.suspend to false$/,
    },
    {
      name: 'best needs a source that has succeeded',
      spec: from('best'),
      source: source('running'),
      expected: /^False SourceRunning/,
    },
    {
      name: 'best needs scores, and a source without evaluation is reported before its training ends',
      spec: from('best'),
      source: { ...(source('running') as SourceFacts), metric: undefined },
      expected: /^False SourceNotEvaluated: .*it has no spec.evaluation.*select latest/,
    },
    {
      name: 'the step is not saved yet',
      spec: from('step', 700),
      source: source('running'),
      expected: /^False StepNotSaved: waits for PretrainJob "jft" to save step 700/,
    },
    {
      name: 'the source is being deleted',
      spec: {},
      source: { ...facts(undefined), deleting: true },
      expected: /^False SourceDeleted/,
    },
    {
      name: 'the spec of the source is invalid',
      spec: {},
      source: { ...facts(undefined), claimName: undefined },
      expected: /^False SourceInvalid/,
    },
  ]
  for (const { name, spec, source, expected } of waits) {
    test(`a FinetuneJob waits: ${name}`, () => {
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
      name: 'latest takes the last checkpoint of a job that succeeded',
      spec: from('latest'),
      source: source('succeeded'),
      step: 1000,
    },
    {
      name: 'best takes the checkpoint with the highest score',
      spec: from('best'),
      source: source('succeeded', [saved(400, { score: 0.5 }), saved(500, { score: 0.7 }), final({ score: 0.6 })]),
      step: 500,
    },
    {
      name: 'best takes the checkpoint with the lowest score if lower is better',
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
    test(`${name}, and the job pins it before it creates pods`, () => {
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
      assert.equal(next.actions.length, 3, 'the pods are created although the source no longer exists')
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
      name: 'the source kept no checkpoint of the step',
      spec: from('step', 700),
      source: source('succeeded'),
      expected: /^True SourceUnusable: .* without keeping a checkpoint of step 700; kept: 500, 1000/,
    },
    {
      name: 'the source has no scored checkpoint for best',
      spec: from('best'),
      source: source('succeeded'),
      expected: /^True SourceUnusable: .*set its spec.evaluation/,
    },
  ]
  for (const { name, spec, source, expected } of failures) {
    test(`a FinetuneJob fails: ${name}`, () => assert.match(conditionText(run(spec, { source }), 'Failed'), expected))
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

  test('a job with init random waits for no source', () => {
    const decision = run({ init: 'random', from: undefined }, {})
    assert.equal(decision.actions.length, 3)
    assert.equal(conditionText(decision, 'SourceResolved'), 'absent')
  })
})

describe('spec.from.volume', () => {
  const spec = { from: { volume: { claimName: 'weights', path: 'imagenet' } } }
  const chosen = { step: 0, digest: 'd'.repeat(64), path: 'imagenet/step-000000000' }
  const pinned = { claimName: 'weights', ...chosen }
  const pods = [pod('ps', 0), pod('worker', 0), pod('worker', 1)]
  const decideWith = (facts: Partial<Observed>, status?: JobStatus) =>
    decide(pretrainJob({ spec, status }), observed(pods, facts), NOW)

  for (const [kind, job] of [
    ['PretrainJob', pretrainJob({ spec })],
    ['FinetuneJob', finetuneJob({ spec })],
  ] as const)
    test(`a ${kind} creates its pods at once, because they read the volume`, () => {
      const decision = decide(job, observed([]), NOW)
      assert.equal(decision.actions.length, 3)
      assert.match(conditionText(decision, 'SourceResolved'), /^Unknown NotChosen: .*imagenet of claim "weights"/)
      assert.deepEqual([decision.status.phase, decision.status.source], ['Pending', undefined])
      assert.ok(!decision.events.some(({ reason }) => reason === 'NotChosen'))
    })

  test('pins what parameter server 0 reports, and keeps it when a later report differs or is missing', () => {
    const first = decideWith({ coordinator: coordinator({ source: chosen }) })
    assert.deepEqual(first.status.source, pinned)
    const text = 'True Pinned: step 0 in folder imagenet/step-000000000 of claim "weights", sha256 dddddddddddd'
    assert.equal(conditionText(first, 'SourceResolved'), text)
    assert.ok(first.events.some(({ reason, message }) => reason === 'Pinned' && text.endsWith(message)))
    const other = { ...chosen, digest: 'e'.repeat(64) }
    for (const facts of [{}, { coordinator: coordinator({ source: other }) }, { coordinator: coordinator() }]) {
      const next = decideWith(facts, first.status)
      assert.deepEqual(next.status.source, pinned)
      assert.equal(conditionText(next, 'SourceResolved'), text)
    }
  })

  test('pins it also when the job has ended before the first report', () => {
    const final = coordinator({
      source: chosen,
      phase: 'done',
      step: 1000,
      checkpoints: [saved(1000, { final: true })],
    })
    const done = decide(pretrainJob({ spec }), observed([succeeded('ps', 0)], { coordinator: final }), NOW)
    assert.match(conditionText(done, 'Succeeded'), /^True/)
    assert.deepEqual(done.status.source, pinned)
  })

  test('shows what was loaded and the lineage, and keeps both when a later report is missing or cut short', () => {
    const part = (variables: number) => ({ variables, values: 10 * variables, names: ['w'] })
    const init = { loaded: part(3), skipped: part(2), new: part(1) }
    const lineage = ['jft', 'imagenet'].map((name, i) => ({ kind: 'PretrainJob', name, step: 9 - i, digest: `d${i}` }))
    const first = decideWith({ coordinator: coordinator({ init, lineage }) })
    assert.deepEqual([first.status.init, first.status.lineage], [init, lineage])
    for (const facts of [{}, { coordinator: coordinator({ lineage: lineage.slice(0, 1) }) }]) {
      const { status } = decideWith(facts, first.status)
      assert.deepEqual([status.init, status.lineage], [init, lineage])
    }
    const unknown = decideWith({ coordinator: coordinator() }).status
    assert.ok(!('init' in unknown) && !('lineage' in unknown))
  })

  test('a source that a parameter server refuses ends the job with its code', () => {
    const failed = {
      ...pod('ps', 0),
      phase: 'Failed' as const,
      exitCode: 13,
      terminationMessage: JSON.stringify({
        failure: { code: 'CHECKPOINT_OTHER_MODEL', message: 'resnet50, resnet101' },
      }),
    }
    const decision = decide(pretrainJob({ spec }), observed([failed, ...pods.slice(1)]), NOW)
    assert.match(conditionText(decision, 'Failed'), /^True CHECKPOINT_OTHER_MODEL: .*resnet50, resnet101/)
  })
})

describe('spec.transfers', () => {
  const transfer = (name: string, step?: number, facts = {}) => ({ name, step, exists: false, ended: false, ...facts })
  const pods = [pod('ps', 0), pod('worker', 0), pod('worker', 1)]
  const running = coordinator({ checkpoints: [saved(500)] })

  test('a transfer at a step is created once that step is saved, a transfer on success is not yet', () => {
    const transfers = [transfer('jft-birds-500', 500), transfer('jft-birds-700', 700), transfer('jft-end')]
    const decision = decide(pretrainJob(), observed(pods, { coordinator: running, transfers }), NOW)
    assert.deepEqual(actionsOf(decision), ['createTransfer jft-birds-500'])
  })

  test('a transfer on success is created after the end is in the status and before the job expires', () => {
    const job = pretrainJob({ spec: { ttlSecondsAfterFinished: 0 } })
    const world = (facts: object) =>
      observed([succeeded('ps', 0)], { transfers: [transfer('jft-end', undefined, facts)] })
    const status = decide(job, world({}), ago(10)).status
    assert.deepEqual(actionsOf(decide({ ...job, status }, world({}), NOW)), ['createTransfer jft-end'])
    assert.deepEqual(actionsOf(decide({ ...job, status }, world({ exists: true }), NOW)), ['noteTransfers jft-end'])
    const made = (facts: object) => ({ ...world({ exists: true, ...facts }), transfersMade: ['jft-end'] })
    assert.deepEqual(
      actionsOf(decide({ ...job, status }, made({}), NOW)),
      [],
      'deleting the job would delete its transfer',
    )
    assert.deepEqual(actionsOf(decide({ ...job, status }, made({ ended: true }), NOW)), ['deleteJob'])
  })

  test('a transfer that was created and deleted is not created again', () => {
    const transfers = [transfer('jft-birds-500', 500)]
    const world = observed(pods, { coordinator: running, transfers, transfersMade: ['jft-birds-500'] })
    assert.deepEqual(actionsOf(decide(pretrainJob(), world, NOW)), [])
  })
})

describe('a checkpoint that another job starts from', () => {
  const pods = [pod('ps', 0), pod('worker', 0), pod('worker', 1)]
  const pinActions = (pinned: number[], pins: number[]) =>
    actionsOf(decide(pretrainJob(), observed(pods, { coordinator: coordinator({ pinned }), pins }), NOW))

  test('is pinned once, and again if the coordinator has lost its pins', () => {
    assert.deepEqual(pinActions([], [500]), ['pinCheckpoints 500'])
    assert.deepEqual(pinActions([500], [500]), [])
    assert.deepEqual(pinActions([], [500]), ['pinCheckpoints 500'])
  })

  test('is released when no job needs it any more', () => {
    assert.deepEqual(pinActions([500, 700], [700]), ['pinCheckpoints 700'])
    assert.deepEqual(pinActions([500], []), ['pinCheckpoints '])
  })

  test('is pinned later if the coordinator cannot be reached', () => {
    assert.deepEqual(actionsOf(decide(pretrainJob(), observed(pods, { pins: [500] }), NOW)), [])
  })
})

describe('a spec that is invalid', () => {
  const issues = [{ path: 'spec.workers.replicas', value: 0, message: 'expected a whole number of at least 1' }]
  const { kind, metadata } = pretrainJob()

  test('is reported field by field, and no pod is touched', () => {
    const decision = decideInvalid({ kind, metadata }, issues, NOW)
    assert.equal(
      conditionText(decision, 'Failed'),
      'True InvalidSpec: spec.workers.replicas: 0: expected a whole number of at least 1',
    )
    assert.deepEqual([decision.actions, decision.status.phase], [[], 'Failed'])
    const again = decideInvalid({ kind, metadata, status: decision.status }, issues, NOW + 5000)
    assert.deepEqual([again.status, again.events], [decision.status, []])
  })

  test('is corrected: the job starts', () => {
    const { status } = decideInvalid({ kind, metadata }, issues, NOW)
    const decision = decide(pretrainJob({ status }), observed([]), NOW)
    assert.equal(decision.actions.length, 3)
    assert.match(conditionText(decision, 'Failed'), /^False SpecValid/)
    assert.equal(decision.status.phase, 'Pending')
  })

  test('changes nothing of a job that has ended', () => {
    const { status } = decide(pretrainJob(), observed([succeeded('ps', 0)]), NOW)
    assert.equal(decideInvalid({ kind, metadata, status }, issues, NOW).status, status)
  })
})
