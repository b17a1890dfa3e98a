import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Scheduling } from '../../../src/api/scheduling.ts'
import type { Action } from '../../../src/operator/actions.ts'
import { decide } from '../../../src/operator/decide.ts'
import type { PodFacts } from '../../../src/operator/observed.ts'
import { podFacts } from '../../../src/operator/pod-facts.ts'
import { trimPod } from '../../../src/operator/raw-pod.ts'
import { actionsOf, conditionText, failed, NOW, observed, pending, pod, pretrainJob, succeeded } from './builders.ts'

const HELD = ['kueue.x-k8s.io/managed', 'example.com/other']
const held: Partial<PodFacts> = { finalizers: HELD, isHeld: true }
const job = (scheduling: Scheduling, status?: Parameters<typeof pretrainJob>[0]) =>
  pretrainJob({ spec: { scheduling }, ...status })
const queued = job({ queueName: 'team-a' })
const releases = (actions: readonly Action[]) =>
  actions.flatMap((action) => (action.type === 'releasePod' ? [action.name] : []))

describe('a job in a queue of Kueue', () => {
  test('names the queue that its pods wait for', () => {
    const pods = [pending('ps', 0, { isGated: true }), pending('worker', 0, { isGated: true }), pod('worker', 1)]
    const decision = decide(queued, observed(pods), NOW)
    assert.equal(
      conditionText(decision, 'Scheduled'),
      'False Queued: 2 of 3 pods wait for queue "team-a" to admit the job',
    )
    assert.deepEqual(
      decision.events.map(({ type, reason }) => [type, reason]).find(([, reason]) => reason === 'Queued'),
      ['Normal', 'Queued'],
    )
  })

  test('removes the finalizer of a pod that is being deleted, so that its successor can have the name', () => {
    const gone = failed('worker', 1, 137, { ...held, deleting: true })
    const { actions } = decide(queued, observed([pod('ps', 0), pod('worker', 0, held), gone]), NOW)
    assert.deepEqual(actions[0], { type: 'releasePod', name: gone.name, uid: gone.uid, finalizers: HELD })
    assert.deepEqual(releases(actions), [gone.name])
  })

  test('removes the finalizers of all pods that Kueue has preempted, and creates them again once they are gone', () => {
    const pods = [pod('ps', 0), pod('worker', 0), pod('worker', 1)].map((one) => ({ ...one, ...held, deleting: true }))
    const running = decide(queued, observed([pod('ps', 0), pod('worker', 0), pod('worker', 1)]), NOW).status
    const preempted = decide(job({ queueName: 'team-a' }, { status: running }), observed(pods), NOW)
    assert.equal(releases(preempted.actions).length, 3)
    assert.ok(!actionsOf(preempted).some((action) => action.startsWith('create')))
    let status = preempted.status
    for (let round = 0; round < 3; round++) {
      status = decide(job({ queueName: 'team-a' }, { status }), observed([]), NOW).status
    }
    const again = decide(job({ queueName: 'team-a' }, { status }), observed([]), NOW)
    assert.equal(actionsOf(again).filter((action) => action.startsWith('createPod ')).length, 3)
    assert.equal(again.status.restarts.counted, 0, 'preemption is not counted')
  })

  test('returns its quota when it has ended by marking one of the kept pods as not retriable', () => {
    const pods = [succeeded('ps', 0, held), succeeded('worker', 0, held), pod('worker', 1, held)]
    const ended = decide(queued, observed(pods), NOW).status
    const after = (more: Partial<PodFacts>) =>
      decide(
        job({ queueName: 'team-a' }, { status: ended }),
        observed(pods.map((one, i) => ({ ...one, ...(i === 0 ? more : {}) }))),
        NOW,
      ).actions
    assert.deepEqual(
      after({}).filter(({ type }) => type === 'annotatePod'),
      [
        {
          type: 'annotatePod',
          name: 'jft-pj-ps-0',
          uid: 'uid-ps-0',
          annotations: { 'kueue.x-k8s.io/retriable-in-group': 'false' },
        },
      ],
    )
    assert.ok(!after({ isLast: true }).some(({ type }) => type === 'annotatePod'))
  })

  test('reports a scheduling gate that no queue set', () => {
    const decision = decide(pretrainJob(), observed([pending('ps', 0, { isGated: true })]), NOW)
    assert.match(
      conditionText(decision, 'Scheduled'),
      /^False SchedulingGated: 1 of 3 pods wait behind a scheduling gate/,
    )
  })
})

describe('deadlines of a job whose pods are held by gates', () => {
  const DEADLINES = { activeDeadlineSeconds: 10, progressDeadlineSeconds: 60, backoffLimit: 3 }
  type Status = ReturnType<typeof decide>['status']
  const queuedJob = (status?: Status, spec = {}) =>
    pretrainJob({ spec: { scheduling: { queueName: 'team-a' }, ...DEADLINES, ...spec }, ...(status && { status }) })
  const gated = (facts: Partial<PodFacts> = {}) => [
    pending('ps', 0, { isGated: true, isPlaced: false, ...facts }),
    pending('worker', 0, { isGated: true, isPlaced: false, ...facts }),
    pending('worker', 1, { isGated: true, isPlaced: false, ...facts }),
  ]
  const training = [pod('ps', 0), pod('worker', 0), pod('worker', 1)]
  const at = (seconds: number) => NOW + seconds * 1000
  const iso = (seconds: number) => new Date(at(seconds)).toISOString()
  const decideAt = (pods: PodFacts[], seconds: number, status?: Status, spec = {}) =>
    decide(queuedJob(status, spec), observed(pods), at(seconds))

  test('do not run, and the job is not requeued', () => {
    const made = decideAt([], 0).status
    assert.equal(made.startTime, iso(0))
    const waiting = decideAt(gated(), 3600, made)
    assert.match(conditionText(waiting, 'Scheduled'), /^False Queued: 3 of 3 pods/)
    assert.deepEqual([waiting.status.phase, waiting.status.startTime], ['Starting', undefined])
    assert.deepEqual([conditionText(waiting, 'Failed'), conditionText(waiting, 'Stalled')], ['absent', 'absent'])
    assert.equal(waiting.requeueAfterSeconds, undefined)
    const later = decideAt(gated(), 7200, waiting.status)
    assert.deepEqual([later.status, later.actions, later.events], [waiting.status, [], []])
  })

  test('count from admission', () => {
    const waiting = decideAt(gated(), 3600, decideAt([], 0).status).status
    const admitted = decideAt(training, 4000, waiting)
    assert.deepEqual([admitted.status.startTime, admitted.requeueAfterSeconds], [iso(4000), 10])
    assert.equal(decideAt(training, 4009, admitted.status).status.phase, 'Running')
    assert.match(conditionText(decideAt(training, 4010, admitted.status), 'Failed'), /^True DeadlineExceeded/)
  })

  test('count from admission also if no operator ran at that time', () => {
    const waiting = decideAt(gated(), 3600, decideAt([], 0).status).status
    const running = training.map((one) => ({ ...one, placedAtMs: at(4000) }))
    assert.match(conditionText(decideAt(running, 4010, waiting), 'Failed'), /^True DeadlineExceeded/)
    assert.equal(decideAt(running, 4005, waiting).status.startTime, iso(4000))
  })

  test('start again when Kueue has preempted the job and admits it again', () => {
    const running = decideAt(training, 0).status
    const evicted = decideAt(
      training.map((one) => ({ ...one, deleting: true })),
      9,
      running,
    )
    assert.equal(evicted.status.startTime, undefined, 'the job no longer runs')
    const gone = decideAt([], 30, evicted.status).status
    const again = decideAt(gated({ attempt: 2 }), 5000, gone)
    assert.deepEqual([again.status.startTime, again.status.phase], [undefined, 'Starting'])
    const starting = gated({ attempt: 2, isGated: false, isPlaced: true })
    const admitted = decideAt(starting, 9000, again.status)
    assert.equal(admitted.status.startTime, iso(9000))
    const stalled = (seconds: number) =>
      conditionText(decideAt(starting, seconds, admitted.status, { activeDeadlineSeconds: 9999 }), 'Stalled')
    assert.equal(stalled(9059), 'absent', 'neither the time in the queue nor the time before it counts')
    assert.match(stalled(9060), /^True QuorumLost/)
  })

  test('do not run while an ended pod of the former admission exists beside the gated pods', () => {
    const [ps, first] = gated()
    const pods = [ps, first, succeeded('worker', 1)].flatMap((one) => one ?? [])
    assert.equal(decideAt(pods, 7200, decideAt([], 0).status).status.startTime, undefined)
  })

  test('run when only some of the pods are admitted', () => {
    const [, ...others] = gated()
    const partly = decideAt([pod('ps', 0), ...others], 10, decideAt([], 0).status)
    assert.match(conditionText(partly, 'Failed'), /^True DeadlineExceeded/)
  })

  test('run while a gang finds no nodes', () => {
    const pods = gated({ isGated: false, unschedulable: 'pod group is not ready' })
    const spec = { ...DEADLINES, scheduling: { gang: 'volcano' as const } }
    const made = decide(pretrainJob({ spec }), observed([]), NOW).status
    const pendingGang = decide(pretrainJob({ spec, status: made }), observed(pods), at(10))
    assert.match(conditionText(pendingGang, 'Failed'), /^True DeadlineExceeded/)
  })

  test('do not run behind scheduling gates of others either', () => {
    const made = decide(pretrainJob({ spec: DEADLINES }), observed([]), NOW).status
    const waiting = decide(pretrainJob({ spec: DEADLINES, status: made }), observed(gated()), at(3600))
    assert.deepEqual([waiting.status.phase, waiting.status.startTime], ['Starting', undefined])
  })

  test('do not run while only the evaluator waits', () => {
    const desired = { ps: 1, worker: 2, evaluator: 1 }
    const pods = [succeeded('ps', 0), succeeded('worker', 0), pending('evaluator', 0, { isGated: true })]
    const made = decideAt([], 0).status
    assert.equal(conditionText(decide(queuedJob(made), observed(pods, { desired }), at(3600)), 'Failed'), 'absent')
  })
})

test('a scheduling gate is read from the spec of the pod, before the scheduler reports it', () => {
  const metadata = { name: 'w', labels: { 'downpour.dev/role': 'worker', 'downpour.dev/index': '1' } }
  const gates = (schedulingGates: object[]) =>
    podFacts(trimPod({ metadata, spec: { schedulingGates }, status: { phase: 'Pending' } }))?.isGated
  assert.deepEqual([gates([{ name: 'kueue.x-k8s.io/admission' }]), gates([])], [true, false])
})

test('finalizers, annotations and gates of Kueue are read from a trimmed pod', () => {
  const raw = {
    metadata: {
      name: 'jft-pj-worker-1',
      namespace: 'team',
      labels: { 'downpour.dev/role': 'worker', 'downpour.dev/index': '1' },
      annotations: { 'kueue.x-k8s.io/retriable-in-group': 'false', other: 'x' },
      finalizers: HELD,
    },
    status: {
      phase: 'Pending',
      conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message: 'non-empty gates' }],
    },
  }
  const facts = podFacts(trimPod(raw))
  assert.deepEqual(
    [facts?.isHeld, facts?.isLast, facts?.isGated, facts?.unschedulable, facts?.finalizers],
    [true, true, true, undefined, HELD],
  )
})

describe('a gang', () => {
  const world = (...pods: PodFacts[]) => observed(pods)

  test('is created before its pods, and again whenever one of them is created', () => {
    const gang = job({ gang: 'volcano' })
    assert.equal(actionsOf(decide(gang, world(), NOW))[0], 'createPodGroup')
    assert.equal(actionsOf(decide(gang, world(pod('ps', 0), pod('worker', 0)), NOW))[0], 'createPodGroup')
    assert.deepEqual(actionsOf(decide(gang, world(pod('ps', 0), pod('worker', 0), pod('worker', 1)), NOW)), [])
  })

  test('is not created for a job without a gang, nor for the evaluator', () => {
    for (const none of [pretrainJob(), job({ gang: 'none' }), queued]) {
      assert.ok(!actionsOf(decide(none, world(), NOW)).includes('createPodGroup'))
    }
    const desired = { ps: 1, worker: 2, evaluator: 1 }
    const pods = [pod('ps', 0), pod('worker', 0), pod('worker', 1)]
    const decision = decide(job({ gang: 'coscheduling' }), observed(pods, { desired }), NOW)
    assert.deepEqual(actionsOf(decision), ['createPod evaluator-0 attempt 0 generation 0 failures 0'])
  })
})
