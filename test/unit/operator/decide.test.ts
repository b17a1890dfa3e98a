import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Job } from '../../../src/api/job.ts'
import type { JobStatus } from '../../../src/api/status.ts'
import type { CoordinatorStatus } from '../../../src/contract/status.ts'
import type { Decision } from '../../../src/operator/actions.ts'
import { decide } from '../../../src/operator/decide.ts'
import type { Observed, PodFacts } from '../../../src/operator/observed.ts'
import { listCauses } from '../../../src/operator/pod-names.ts'
import {
  actionsOf,
  ago,
  conditionText,
  coordinator,
  evaluator,
  failed,
  isoAgo,
  NOW,
  observed,
  pending,
  pod,
  pretrainJob,
  saved,
  succeeded,
} from './builders.ts'

const healthy = [pod('ps', 0), pod('worker', 0), pod('worker', 1)]
const run = (job: Job, world: Observed) => decide(job, world, NOW)

/** Decides until the status no longer changes, as the reconciles after each status write do. */
function settle(job: Job, world: Observed) {
  let decision = run(job, world)
  for (let round = 0; round < 5; round++) {
    const next = run({ ...job, status: decision.status }, world)
    if (JSON.stringify(next.status) === JSON.stringify(decision.status)) return next
    decision = next
  }
  return assert.fail('the status changes with every decision')
}

describe('startup', () => {
  test('creates the service, the parameter servers and the workers in one decision', () => {
    const decision = run(pretrainJob(), observed([], { service: undefined }))
    assert.deepEqual(actionsOf(decision), [
      'createService',
      'createPod ps-0 attempt 0 generation 0 failures 0',
      'createPod worker-0 attempt 0 generation 0 failures 0',
      'createPod worker-1 attempt 0 generation 0 failures 0',
    ])
    assert.equal(decision.status.phase, 'Pending')
    assert.equal(decision.status.replicas.worker.summary, '0/2')
  })

  test('does not wait for the parameter server before it creates workers', () => {
    const decision = run(pretrainJob(), observed([pending('ps', 0)]))
    assert.equal(actionsOf(decision).length, 2)
    assert.equal(decision.status.phase, 'Starting')
  })

  test('shows the message of the scheduler for a pod that fits on no node', () => {
    const text = '0/5 nodes are available: 5 Insufficient nvidia.com/gpu'
    const pods = [pod('ps', 0), pod('worker', 0), pending('worker', 1, { unschedulable: text })]
    assert.equal(
      conditionText(run(pretrainJob(), observed(pods)), 'Scheduled'),
      `False Unschedulable: worker-1: ${text}`,
    )
  })

  test('groups unschedulable pods by the message of the scheduler', () => {
    const waiting = (role: 'ps' | 'worker', index: number, unschedulable: string) =>
      pending(role, index, { unschedulable })
    const claim = (name: string) => `persistentvolumeclaim "${name}" not found`
    const shownCauses = (...pods: ReturnType<typeof waiting>[]) =>
      conditionText(run(pretrainJob(), observed(pods)), 'Scheduled').replace('False Unschedulable: ', '')
    const [ps, workers] = [waiting('ps', 0, claim('out')), [0, 1].map((i) => waiting('worker', i, claim('jft')))]
    assert.equal(shownCauses(ps, ...workers), `ps-0: ${claim('out')}; worker-0, worker-1: ${claim('jft')}`)
    const many = Array.from({ length: 5 }, (_, index) => ({ role: 'worker' as const, index }))
    assert.equal(
      listCauses(many, ({ index }) => `0/${Math.min(index, 3)} nodes`),
      'worker-0: 0/0 nodes; worker-1: 0/1 nodes; worker-2: 0/2 nodes; 2 more for other reasons',
    )
  })

  test('groups pods that do not start by their reason', () => {
    const pods = [
      pending('ps', 0, { reason: 'ErrImagePull', message: 'no such image' }),
      pending('worker', 0, { reason: 'CreateContainerConfigError', message: 'secret "keys" not found' }),
      pending('worker', 1, { reason: 'ImagePullBackOff', message: 'Back-off' }),
    ]
    assert.equal(
      conditionText(run(pretrainJob(), observed(pods)), 'Running'),
      'False ImagePullBackOff: ps 0/1, workers 0/2; ps-0, worker-1: ErrImagePull: no such image; worker-0: CreateContainerConfigError: secret "keys" not found',
    )
  })

  test('does not call a pod scheduled that no scheduler has seen', () => {
    const pods = [pod('ps', 0), pod('worker', 0), pending('worker', 1, { isPlaced: false })]
    const scheduling = { gang: 'volcano' } as const
    const decision = run(pretrainJob({ spec: { scheduling } }), observed(pods))
    assert.equal(
      conditionText(decision, 'Scheduled'),
      'False Scheduling: worker-1: not yet seen by scheduler "volcano"',
    )
    assert.ok(!decision.events.some(({ reason }) => reason === 'Scheduling'), 'a normal start records no event')
  })

  test('records one event for an image that cannot be pulled, with the message of the kubelet', () => {
    const stuck = (reason: string) => [pending('ps', 0, { reason, message: 'no such image' }), ...healthy.slice(1)]
    const first = run(pretrainJob(), observed(stuck('ErrImagePull')))
    const message = 'ps 0/1, workers 2/2; ps-0: ErrImagePull: no such image'
    assert.equal(conditionText(first, 'Running'), `False ImagePullBackOff: ${message}`)
    const pullEvents = (decision: typeof first) => decision.events.filter(({ reason }) => reason === 'ImagePullBackOff')
    assert.equal(pullEvents(first).length, 1)
    const again = run(pretrainJob({ status: first.status }), observed(stuck('ImagePullBackOff')))
    assert.match(conditionText(again, 'Running'), /^False ImagePullBackOff: .*ps-0: ImagePullBackOff: no such image/)
    assert.deepEqual(pullEvents(again), [])
  })

  test('reports a worker that does not start also while the others train', () => {
    const pods = [pod('ps', 0), pod('worker', 0), pending('worker', 1, { reason: 'CreateContainerConfigError' })]
    assert.match(
      conditionText(run(pretrainJob(), observed(pods)), 'Running'),
      /^True Training: .*; worker-1: CreateCont/,
    )
  })

  test('reports a name that a pod of another owner holds, and leaves that pod alone', () => {
    const pods = [pod('ps', 0, { ownerUid: 'other' }), pod('worker', 0), pod('worker', 1)]
    const decision = run(pretrainJob(), observed(pods))
    assert.deepEqual(actionsOf(decision), [])
    assert.match(conditionText(decision, 'Created'), /^False NameConflict: .*pod jft-pj-ps-0/)
  })

  test('removes the workers beyond a lowered number of replicas', () => {
    const world = observed(healthy, { desired: { ps: 1, worker: 1, evaluator: 0 } })
    assert.deepEqual(actionsOf(run(pretrainJob(), world)), ['deletePod uid-worker-1'])
  })
})

describe('a running job', () => {
  test('has its progress in the status and needs no action', () => {
    const world = observed(healthy, { coordinator: coordinator({ checkpoints: [saved(200), saved(300)] }) })
    const { status, ...decision } = settle(pretrainJob(), world)
    assert.deepEqual(decision.actions, [])
    assert.equal(status.phase, 'Running')
    assert.equal(status.progress?.percent, '37%')
    assert.equal(status.progress?.loss, 2.5)
    assert.equal(status.checkpoint?.step, 300)
    assert.equal(status.observedGeneration, 3)
    assert.equal(status.workersReady, 2)
  })

  test('keeps its last progress while the parameter server cannot be reached', () => {
    const before = run(pretrainJob(), observed(healthy, { coordinator: coordinator() })).status
    assert.deepEqual(run(pretrainJob({ status: before }), observed(healthy)).status.progress, before.progress)
  })

  test('keeps the transition time of a condition until its status changes', () => {
    const job = pretrainJob()
    const first = decide(job, observed(healthy), ago(100)).status
    const again = run({ ...job, status: first }, observed(healthy)).status
    const time = (status: typeof first) => status.conditions.find((c) => c.type === 'Running')?.lastTransitionTime
    assert.equal(time(again), isoAgo(100))
  })

  test('stalls after progressDeadlineSeconds without a step, and recovers', () => {
    const world = observed(healthy, { coordinator: coordinator() })
    const before = decide(pretrainJob(), world, ago(601)).status
    const stalled = run(pretrainJob({ status: before }), world)
    assert.match(conditionText(stalled, 'Stalled'), /^True NoProgress: .*at step 370/)
    assert.equal(stalled.status.phase, 'Running')
    const moved = observed(healthy, { coordinator: coordinator({ step: 371 }) })
    assert.match(conditionText(run(pretrainJob({ status: stalled.status }), moved), 'Stalled'), /^False Progressing/)
  })

  test('is requeued for the moment when the progress deadline would pass', () => {
    assert.equal(run(pretrainJob(), observed(healthy)).requeueAfterSeconds, 600)
  })

  test('reports a failed save until a later one succeeds', () => {
    const failing = coordinator({ checkpointFailures: { count: 2, lastError: 'ENOSPC: disk full' } })
    const first = run(pretrainJob(), observed(healthy, { coordinator: failing }))
    assert.match(conditionText(first, 'CheckpointDegraded'), /^True SaveFailed: 2 saves failed, the last: ENOSPC/)
    const better = { ...failing, checkpoints: [saved(400)] }
    const second = run(pretrainJob({ status: first.status }), observed(healthy, { coordinator: better }))
    assert.match(conditionText(second, 'CheckpointDegraded'), /^False SavedAgain/)
  })

  test('does not apply a changed spec, and reports that', () => {
    const world = observed(healthy, { planHash: 'plan-2', desired: { ps: 4, worker: 2, evaluator: 0 } })
    const decision = run(pretrainJob(), world)
    assert.deepEqual(actionsOf(decision), [])
    assert.match(conditionText(decision, 'Running'), /^True SpecChangePending: .*suspend and resume/)
  })
})

describe('a job whose plan changed while its pods run', () => {
  const withNewPlan = (pods: readonly PodFacts[]) => observed(pods, { planHash: 'plan-2' })
  const likeOf = (decision: Decision) => decision.actions.map((action) => ('like' in action ? action.like : undefined))

  test('replaces a failed worker with the settings that it had', () => {
    const worlds = withNewPlan([pod('ps', 0), pod('worker', 0), failed('worker', 1, 137)])
    const decision = run(pretrainJob({ status: run(pretrainJob(), worlds).status }), worlds)
    assert.deepEqual(actionsOf(decision), ['replacePod worker-1 attempt 1 generation 0 failures 1'])
    assert.deepEqual(likeOf(decision), ['jft-pj-worker-1'])
  })

  test('creates a vanished worker with the settings of another worker', () => {
    const decision = run(pretrainJob(), withNewPlan([pod('ps', 0), pod('worker', 0)]))
    assert.deepEqual(actionsOf(decision), ['createPod worker-1 attempt 0 generation 0 failures 0'])
    assert.deepEqual(likeOf(decision), ['jft-pj-worker-0'])
  })

  test('deletes workers with old settings once the parameter servers run with the new ones', () => {
    const pods = [pod('ps', 0, { planHash: 'plan-2', generation: 1 }), pod('worker', 0), pod('worker', 1)]
    assert.deepEqual(actionsOf(run(pretrainJob(), withNewPlan(pods))), [
      'deletePod uid-worker-0',
      'deletePod uid-worker-1',
    ])
  })
})

describe('a failed worker', () => {
  const status = (worker: PodFacts) => settle(pretrainJob(), observed([pod('ps', 0), pod('worker', 0), worker])).status
  const after = (worker: PodFacts, facts: Partial<Observed> = {}) =>
    run(pretrainJob({ status: status(worker) }), observed([pod('ps', 0), pod('worker', 0), worker], facts))

  const cases: { name: string; worker: PodFacts; expected: string[] }[] = [
    {
      name: 'that was killed is replaced with the next attempt, and counted',
      worker: failed('worker', 1, 137, { reason: 'OOMKilled' }),
      expected: ['replacePod worker-1 attempt 1 generation 0 failures 1'],
    },
    {
      name: 'that was evicted is replaced, and not counted',
      worker: failed('worker', 1, 137, { disruption: 'Evicted', attempt: 4, failures: 2 }),
      expected: ['replacePod worker-1 attempt 5 generation 0 failures 2'],
    },
    {
      name: 'that fails again within the back-off is not replaced yet',
      worker: failed('worker', 1, 1, { attempt: 4, failures: 1, finishedAtMs: ago(10) }),
      expected: [],
    },
    {
      name: 'after a long healthy run is not counted, and its back-off starts again',
      worker: failed('worker', 1, 1, { attempt: 9, failures: 1, startedAtMs: ago(700), finishedAtMs: ago(2) }),
      expected: ['replacePod worker-1 attempt 10 generation 0 failures 1'],
    },
    {
      name: 'whose node clock is an hour ahead is replaced at once',
      worker: failed('worker', 1, 1, { startedAtMs: ago(-3500), finishedAtMs: ago(-3600) }),
      expected: ['replacePod worker-1 attempt 1 generation 0 failures 1'],
    },
    {
      name: 'that is being deleted is not replaced before it is gone',
      worker: failed('worker', 1, 143, { deleting: true }),
      expected: [],
    },
    { name: 'is kept if it ended successfully', worker: succeeded('worker', 1), expected: [] },
  ]
  for (const { name, worker, expected } of cases) {
    test(name, () => assert.deepEqual(actionsOf(after(worker)), expected))
  }

  test('is replaced if it ended before a parameter server restarted without the last steps', () => {
    const pods = [pod('ps', 0, { generation: 1, attempt: 1 }), succeeded('worker', 0), succeeded('worker', 1)]
    const actionsWith = (facts: object) =>
      actionsOf(run(pretrainJob(), observed(pods, { coordinator: coordinator({ workersConnected: 0, ...facts }) })))
    assert.deepEqual(actionsWith({ step: 900 }), [
      'replacePod worker-0 attempt 0 generation 1 failures 0',
      'replacePod worker-1 attempt 0 generation 1 failures 0',
    ])
    assert.deepEqual(actionsWith({ step: 1000, phase: 'saving' }), [], 'all steps are done')
    assert.deepEqual(
      actionsWith({ step: 900, workersConnected: 1 }),
      [],
      'the status is older than the end of the workers',
    )
  })

  test('is replaced only after its failure is in the status', () => {
    const pods = [pod('ps', 0), pod('worker', 0), failed('worker', 1, 1)]
    const first = run(pretrainJob(), observed(pods))
    assert.deepEqual(actionsOf(first), [])
    assert.equal(first.requeueAfterSeconds, 0)
    assert.deepEqual(first.status.restarts, { ps: 0, worker: 1, evaluator: 0, counted: 1, total: 1 })
  })

  test('degrades the job while others run', () => {
    const worker = failed('worker', 1, 137, { reason: 'OOMKilled' })
    const decision = after(worker)
    assert.equal(decision.status.phase, 'Running')
    assert.match(
      conditionText(decision, 'Degraded'),
      /1 of 2 workers run; lost: worker-1; worker-1: OOMKilled \(exit 137\)/,
    )
  })

  test('keeps its attempt and failure counts when the operator dies between delete and create', () => {
    const worker = failed('worker', 1, 1, { attempt: 1, failures: 1 })
    const world = observed([pod('ps', 0), pod('worker', 0)])
    assert.deepEqual(actionsOf(run(pretrainJob({ status: status(worker) }), world)), [
      'createPod worker-1 attempt 2 generation 0 failures 2',
    ])
  })

  test('is created again, and not counted, if a person deleted it', () => {
    const before = settle(pretrainJob(), observed(healthy)).status
    const decision = run(pretrainJob({ status: before }), observed(healthy.slice(0, 2)))
    assert.deepEqual(actionsOf(decision), ['createPod worker-1 attempt 0 generation 0 failures 0'])
    assert.equal(decision.status.restarts.total, 0)
    assert.match(conditionText(decision, 'Degraded'), /^True/)
  })

  test('stalls the job that stays below its quorum for too long', () => {
    const job = pretrainJob({ spec: { workers: { replicas: 2, quorum: 2 } } })
    const pods = [pod('ps', 0), pod('worker', 0), pending('worker', 1, { attempt: 1 })]
    const world = observed(pods, { coordinator: coordinator() })
    const before = decide(job, world, ago(601)).status
    const moving = observed(pods, { coordinator: coordinator({ step: 999 }) })
    assert.match(conditionText(run({ ...job, status: before }, moving), 'Stalled'), /^True QuorumLost: 1 of 2/)
  })
})

describe('a permanent failure', () => {
  const end = (world: Observed, spec = {}) => run(pretrainJob({ spec }), world)

  const CODE = 'DATA_EMPTY'
  const reports: [string, object | undefined, CoordinatorStatus['failure']?][] = [
    ['a code and a message', { code: CODE, message: 'no pictures' }],
    ['a code alone', { code: CODE }],
    ['a message that begins with its code', { code: CODE, message: `${CODE}: no pictures` }],
    ['a whole status', coordinator({ failure: { code: CODE, message: 'no pictures' } })],
    [
      'no termination message, if the coordinator reported it',
      undefined,
      { code: CODE, message: `${CODE}: no pictures` },
    ],
  ]
  for (const [name, report, failure = null] of reports)
    test(`the code is shown once after ${name}`, () => {
      const terminationMessage = report && JSON.stringify(report)
      const worker = failed('worker', 1, 11, { terminationMessage })
      const decision = end(observed([pod('ps', 0), worker], { coordinator: coordinator({ failure }) }))
      const times = (text: string) => text.split(CODE).length - 1
      assert.equal(times(conditionText(decision, 'Failed')), 1, conditionText(decision, 'Failed'))
      const [event] = decision.events.filter(({ reason }) => reason === 'Failed')
      assert.equal(times(event?.message ?? ''), 1, event?.message)
    })

  const cases: { name: string; pods: PodFacts[]; spec?: object; expected: RegExp }[] = [
    {
      name: 'fails the job on a permanent exit code, with the termination message of the process',
      pods: [
        pod('ps', 0),
        failed('worker', 0, 11, {
          terminationMessage: JSON.stringify({ code: 'BAD_DATA', message: 'a.tfrecord at 40: bad CRC' }),
        }),
      ],
      expected: /^True BAD_DATA: worker-0: a.tfrecord at 40: bad CRC \(exit 11\)/,
    },
    {
      name: 'fails the job if the termination message is a whole runtime status',
      pods: [
        failed('ps', 0, 12, {
          terminationMessage: JSON.stringify(coordinator({ failure: { code: 'NON_FINITE', message: 'NaN' } })),
        }),
      ],
      expected: /^True NON_FINITE: ps-0: NaN \(exit 12\)/,
    },
    {
      name: 'is the first of several failures, because it may have caused the others',
      pods: [failed('worker', 0, 14, { finishedAtMs: ago(10) }), failed('worker', 1, 10, { finishedAtMs: ago(20) })],
      expected: /worker-1/,
    },
    {
      name: 'fails the job on a code in permanentExitCodes',
      pods: [pod('ps', 0), failed('worker', 0, 137)],
      spec: { failurePolicy: { permanentExitCodes: [137] } },
      expected: /^True Exit137/,
    },
    {
      name: 'fails the job after more failures than backoffLimit',
      pods: [pod('ps', 0), failed('worker', 0, 137, { failures: 3, reason: 'OOMKilled' })],
      expected: /^True BackoffLimitExceeded: 4 failures, backoffLimit is 3; the last: worker-0: OOMKilled \(exit 137\)/,
    },
  ]
  for (const { name, pods, spec, expected } of cases) {
    test(name, () => {
      const decision = end(observed(pods), spec)
      assert.match(conditionText(decision, 'Failed'), expected)
      assert.equal(decision.status.phase, 'Failed')
      assert.deepEqual(decision.actions, [], 'the evidence stays until the end is written down')
      assert.equal(decision.status.completionTime, new Date(NOW).toISOString())
    })
  }

  test('does not result from a code in retryableExitCodes', () => {
    const decision = end(observed([pod('ps', 0), failed('worker', 0, 11)]), {
      failurePolicy: { retryableExitCodes: [11] },
    })
    assert.notEqual(decision.status.phase, 'Failed')
  })

  test('does not result from evictions, however many', () => {
    const world = observed([
      pod('ps', 0),
      pod('worker', 0),
      failed('worker', 1, 137, { disruption: 'Evicted', attempt: 50 }),
    ])
    assert.equal(end(world, { backoffLimit: 0 }).status.phase, 'Running')
  })

  test('results from a run longer than activeDeadlineSeconds', () => {
    const status = decide(pretrainJob(), observed(healthy), ago(61)).status
    const decision = run(pretrainJob({ spec: { activeDeadlineSeconds: 60 }, status }), observed(healthy))
    assert.match(conditionText(decision, 'Failed'), /^True DeadlineExceeded/)
  })

  test('removes running pods once the end is in the status, and keeps failed ones', () => {
    const pods = [pod('ps', 0), failed('worker', 0, 11), pod('worker', 1)]
    const status = end(observed(pods)).status
    const decision = run(pretrainJob({ status }), observed(pods))
    assert.deepEqual(actionsOf(decision), ['deletePod uid-ps-0', 'deletePod uid-worker-1'])
    assert.match(conditionText(decision, 'Failed'), /^True/)
  })
})

describe('a lost parameter server', () => {
  const before = settle(pretrainJob(), observed(healthy, { coordinator: coordinator() })).status
  const workers = healthy.slice(1)

  test('raises the generation in the status first, then is deleted and created; workers stay', () => {
    const dead = [failed('ps', 0, 137), ...workers]
    const seen = run(pretrainJob({ status: before }), observed(dead))
    assert.deepEqual(actionsOf(seen), [], 'its failure is written down first')
    const raised = run(pretrainJob({ status: seen.status }), observed(dead))
    assert.deepEqual([actionsOf(raised), raised.status.psGeneration], [[], 1])
    assert.match(conditionText(raised, 'Restarting'), /^True ParameterServerLost: ps-0: /)
    assert.equal(raised.status.phase, 'Starting')
    const removed = run(pretrainJob({ status: raised.status }), observed(dead))
    assert.deepEqual(actionsOf(removed), ['deletePod uid-ps-0'])
    const made = run(pretrainJob({ status: removed.status }), observed(workers))
    assert.deepEqual(actionsOf(made), ['createPod ps-0 attempt 1 generation 1 failures 1'])
    const back = pod('ps', 0, { generation: 1, attempt: 1, failures: 1 })
    const done = settle(pretrainJob({ status: made.status }), observed([back, ...workers]))
    assert.deepEqual([done.actions, done.status.phase], [[], 'Running'])
    assert.match(conditionText(done, 'Restarting'), /^False/)
    assert.deepEqual(done.status.restarts, { ps: 1, worker: 0, evaluator: 0, counted: 1, total: 1 })
  })

  test('restarts all parameter servers of the job', () => {
    const job = pretrainJob({ spec: { parameterServer: { replicas: 2 } } })
    const desired = { ps: 2, worker: 2, evaluator: 0 }
    const pair = settle(job, observed([...healthy, pod('ps', 1)], { desired })).status
    const one = observed([...healthy], { desired })
    const raised = run({ ...job, status: pair }, one)
    assert.deepEqual([actionsOf(raised), raised.status.psGeneration], [[], 1])
    const ended = { ...job, status: raised.status }
    assert.deepEqual(actionsOf(run(ended, one)), ['deletePod uid-ps-0'])
    const ending = observed([pod('ps', 0, { deleting: true }), ...healthy.slice(1)], { desired })
    const waiting = run(ended, ending)
    assert.deepEqual(actionsOf(waiting), [], 'the former one may still save')
    assert.match(
      conditionText(waiting, 'Restarting'),
      /waiting for ps-0 and? ?.*ps-1, after ps-0 of the previous generation|after ps-0/,
    )
    assert.deepEqual(actionsOf(run(ended, observed(healthy.slice(1), { desired }))), [
      'createPod ps-0 attempt 1 generation 1 failures 0',
      'createPod ps-1 attempt 1 generation 1 failures 0',
    ])
  })

  test('is lost as soon as it is drained, so that its peers save while it still answers', () => {
    const job = pretrainJob({ spec: { parameterServer: { replicas: 2 } } })
    const desired = { ps: 2, worker: 2, evaluator: 0 }
    const status = settle(job, observed([...healthy, pod('ps', 1)], { desired })).status
    const drained = observed([...healthy, pod('ps', 1, { deleting: true })], { desired })
    const raised = run({ ...job, status }, drained)
    assert.equal(raised.status.psGeneration, 1)
    assert.match(conditionText(raised, 'Restarting'), /^True ParameterServerLost: ps-1 is being deleted/)
    assert.deepEqual(actionsOf(run({ ...job, status: raised.status }, drained)), ['deletePod uid-ps-0'])
  })

  test('is created in the same generation if it never existed', () => {
    const desired = { ps: 2, worker: 2, evaluator: 0 }
    const half = observed([...healthy], { desired })
    const status = run(pretrainJob(), observed([], { desired })).status
    const decision = run(pretrainJob({ status }), half)
    assert.deepEqual(actionsOf(decision), ['createPod ps-1 attempt 0 generation 0 failures 0'])
  })

  test('is not created in the same generation once its peers train, even without a status', () => {
    const desired = { ps: 2, worker: 2, evaluator: 0 }
    const half = observed([...healthy], { desired, coordinator: coordinator({ phase: 'training' }) })
    const seen = run(pretrainJob(), half)
    assert.match(conditionText(seen, 'Restarting'), /^True ParameterServerLost: ps-1 does not exist/)
    assert.deepEqual(actionsOf(seen), [])
    assert.deepEqual(actionsOf(settle(pretrainJob({ status: seen.status }), half)), ['deletePod uid-ps-0'])
  })

  test('is not created while its predecessor is still ending', () => {
    const status = { ...before, psGeneration: 1 }
    const decision = run(pretrainJob({ status }), observed([pod('ps', 0, { deleting: true }), ...workers]))
    assert.deepEqual(actionsOf(decision), [])
  })

  test('takes its generation from the pods if the status is older', () => {
    const pods = [pod('ps', 0, { generation: 4 }), ...workers]
    assert.equal(run(pretrainJob({ status: before }), observed(pods)).status.psGeneration, 4)
  })
})

describe('success', () => {
  const final = coordinator({
    phase: 'done',
    step: 1000,
    etaSeconds: null,
    checkpoints: [saved(1000, { final: true })],
  })

  test('without an evaluator follows from the end of the parameter server; running pods are deleted later', () => {
    const pods = [succeeded('ps', 0), succeeded('worker', 0), pod('worker', 1)]
    const decision = run(pretrainJob(), observed(pods, { coordinator: final }))
    assert.equal(conditionText(decision, 'Succeeded'), 'True Completed: trained to step 1000')
    assert.deepEqual(decision.actions, [])
    const next = run(pretrainJob({ status: decision.status }), observed(pods))
    assert.deepEqual(actionsOf(next), ['deletePod uid-worker-1'])
    assert.deepEqual(next.status.progress, decision.status.progress)
  })

  test('is still possible while the evaluator fails again and again', () => {
    const desired = { ps: 1, worker: 2, evaluator: 1 }
    const crashing = failed('evaluator', 0, 1, { attempt: 30, failures: 0 })
    const job = pretrainJob({ spec: { backoffLimit: 0 } })
    const decision = settle(job, observed([...healthy, crashing], { desired, coordinator: coordinator() }))
    assert.deepEqual([decision.status.phase, decision.status.restarts.counted], ['Running', 0])
    const over = run(job, observed([succeeded('ps', 0), crashing], { desired, coordinator: final }))
    assert.match(conditionText(over, 'Failed'), /^True BackoffLimitExceeded/, 'once it is all that is left, it counts')
  })

  test('waits for the evaluator, does not replace workers meanwhile, and keeps its results', () => {
    const desired = { ps: 1, worker: 2, evaluator: 1 }
    const training = [succeeded('ps', 0), failed('worker', 0, 1)]
    const waiting = run(pretrainJob(), observed([...training, pod('evaluator', 0)], { desired, coordinator: final }))
    assert.match(conditionText(waiting, 'Running'), /^True Evaluating/)
    assert.deepEqual(actionsOf(waiting), [])
    const facts = { desired, coordinator: final, evaluator: evaluator(1000, { 'mAP@100': 0.3, top1: 0.4121 }) }
    const done = run(pretrainJob({ status: waiting.status }), observed([...training, succeeded('evaluator', 0)], facts))
    assert.equal(conditionText(done, 'Succeeded'), 'True Completed: trained to step 1000, mAP@100 0.300')
    assert.equal(done.status.checkpoint?.score, 0.3)
    assert.equal(done.status.results?.examples, 100)
  })

  test('reports the reduced scores, and the checkpoints that wait or were skipped', () => {
    const desired = { ps: 1, worker: 2, evaluator: 1 }
    const evaluation = { data: pretrainJob().spec.data, maxWaiting: 4 }
    const job = (status?: JobStatus) => pretrainJob({ spec: { evaluation }, status })
    const checkpoints = [saved(700), saved(500), saved(400, { score: 0.2 }), saved(300)]
    const scores = evaluator(400, { 'mAP@100': 0.2 })
    const [scored] = scores.evaluations
    const reduced = { metrics: { 'mAP@100': 0.15 }, examples: 80 }
    const reports = {
      desired,
      coordinator: coordinator({ checkpoints, checkpointsSkipped: 3 }),
      evaluator: { ...scores, evaluations: [{ ...(scored as NonNullable<typeof scored>), reduced }] },
    }
    const { status } = run(job(), observed([...healthy, pod('evaluator', 0)], reports))
    assert.deepEqual(status.results?.reduced, reduced)
    assert.equal(status.headline, 'mAP@100 0.200 (0.150 reduced)')
    assert.deepEqual(status.evaluation, { waiting: 2, skipped: 3 }, 'the evaluator has passed step 300')
    const silent = run(job(status), observed([...healthy, pod('evaluator', 0)], { desired }))
    assert.deepEqual(silent.status.evaluation, status.evaluation)
    const without = run(pretrainJob(), observed(healthy, { coordinator: coordinator({ checkpoints }) }))
    assert.equal(without.status.evaluation, undefined)
  })

  test('keeps older checkpoints in the status if the termination message was cut', () => {
    const all = coordinator({ checkpoints: [saved(300), saved(500), saved(900)] })
    const before = run(pretrainJob(), observed(healthy, { coordinator: all })).status
    const done = run(pretrainJob({ status: before }), observed([succeeded('ps', 0)], { coordinator: final }))
    assert.deepEqual(
      done.status.checkpoints?.map(({ step }) => step),
      [300, 500, 900, 1000],
    )
  })

  test('does not change, whatever happens to the pods later', () => {
    const { status } = run(pretrainJob(), observed([succeeded('ps', 0)], { coordinator: final }))
    const later = settle(pretrainJob({ status }), observed([]))
    assert.deepEqual([later.actions, later.status.phase, later.status.headline], [[], 'Succeeded', undefined])
  })

  for (const [policy, expected] of [
    ['None', []],
    ['Running', ['deletePod uid-worker-0']],
    ['All', ['deletePod uid-ps-0', 'deletePod uid-worker-0']],
  ] as const) {
    test(`deletes ${expected.length} pods with cleanPodPolicy ${policy}`, () => {
      const job = pretrainJob({ spec: { cleanPodPolicy: policy } })
      const world = observed([succeeded('ps', 0), pod('worker', 0)])
      assert.deepEqual(actionsOf(run({ ...job, status: run(job, world).status }, world)), expected)
    })
  }

  test('deletes the job after ttlSecondsAfterFinished', () => {
    const job = pretrainJob({ spec: { ttlSecondsAfterFinished: 30 } })
    const status = decide(job, observed([succeeded('ps', 0)]), ago(20)).status
    const early = run({ ...job, status }, observed([]))
    assert.deepEqual([actionsOf(early), early.requeueAfterSeconds], [[], 10])
    assert.deepEqual(actionsOf(decide({ ...job, status }, observed([]), NOW + 11_000)), ['deleteJob'])
  })
})

describe('suspension', () => {
  const job = pretrainJob({ spec: { suspend: true } })

  test('removes all pods, keeps the progress, then needs no action', () => {
    const status = decide(pretrainJob(), observed(healthy, { coordinator: coordinator() }), ago(500)).status
    const decision = run({ ...job, status }, observed(healthy))
    assert.deepEqual(actionsOf(decision), ['deletePod uid-ps-0', 'deletePod uid-worker-0', 'deletePod uid-worker-1'])
    assert.match(conditionText(decision, 'Suspended'), /^True Suspending/)
    assert.equal(decision.status.phase, 'Suspended')
    const rest = settle({ ...job, status: decision.status }, observed([]))
    assert.deepEqual([rest.actions, rest.status.progress?.step], [[], 370])
    assert.match(conditionText(rest, 'Suspended'), /^True Suspended/)
    assert.equal(rest.status.startTime, undefined, 'suspended time does not count for deadlines')
  })

  test('ends with new pods and deadlines that start again', () => {
    const status = decide(job, observed([]), ago(5000)).status
    const decision = run(pretrainJob({ status, spec: { activeDeadlineSeconds: 60 } }), observed([]))
    assert.equal(decision.actions.length, 3)
    assert.equal(decision.status.startTime, new Date(NOW).toISOString())
    assert.match(conditionText(decision, 'Suspended'), /^False Resumed/)
  })

  test('does not count pods that fail while they are stopped', () => {
    const decision = run(job, observed([failed('worker', 0, 143), failed('ps', 0, 1)]))
    assert.equal(decision.status.restarts.counted, 0)
  })
})

test('a job being deleted is left to the garbage collector', () => {
  const decision = run(pretrainJob({ deleting: true }), observed([pod('ps', 0)]))
  assert.deepEqual(decision.actions, [])
})
