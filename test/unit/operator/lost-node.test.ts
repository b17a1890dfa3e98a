import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decide } from '../../../src/operator/decide.ts'
import type { PodFacts } from '../../../src/operator/observed.ts'
import { actionsOf, ago, conditionText, isoAgo, NOW, observed, pending, pod, pretrainJob } from './builders.ts'
import { container, factsOf, running } from './pod-statuses.ts'

const NODE = { nodeName: 'gpu-7' }
const TAINT = {
  disruption: 'DeletionByTaintManager',
  disruptionMessage: 'Taint manager: deleting due to NoExecute taint',
}
/** Facts of a pod that is being deleted and whose grace period ended this many seconds ago. */
const overdue = (seconds: number, more: Partial<PodFacts> = {}): Partial<PodFacts> => ({
  ...NODE,
  ...TAINT,
  deleting: true,
  endDueAtMs: ago(seconds),
  ...more,
})
const replacedAfter = (lostNodeSeconds: number) => ({ failurePolicy: { lostNodeSeconds } })
const workers = [pod('worker', 0), pod('worker', 1)]
type Status = ReturnType<typeof decide>['status']
const decideFor = (pods: PodFacts[], spec = {}, status?: Status) =>
  decide(pretrainJob({ spec, ...(status && { status }) }), observed(pods), NOW)
const before = decideFor([pod('ps', 0), ...workers]).status
const forced = (decision: ReturnType<typeof decide>) =>
  decision.actions.flatMap((action) => (action.type === 'deletePod' && action.force ? [action.uid] : []))

describe('a parameter server that does not end because its node is lost', () => {
  const dead = pod('ps', 0, overdue(300))
  const waiting = decideFor([dead, ...workers], {}, { ...before, psGeneration: 1 })

  test('delays its successor; the condition names node, cause and remedy', () => {
    assert.match(
      conditionText(waiting, 'Restarting'),
      /^True NodeLost: .*after ps-0 of the previous generation has ended; ps-0 on node "gpu-7" should have ended by .*Z, but its node has not confirmed it \(DeletionByTaintManager: Taint manager: deleting due to NoExecute taint\); .*set failurePolicy.lostNodeSeconds$/,
    )
    assert.match(conditionText(waiting, 'Degraded'), /^True NodeLost: ps-0 on node "gpu-7"/)
    assert.deepEqual([actionsOf(waiting), forced(waiting)], [[], []])
    assert.ok(waiting.events.some(({ type, reason }) => type === 'Warning' && reason === 'NodeLost'))
  })

  test('gives the same status in the next decision', () => {
    assert.deepEqual(decideFor([dead, ...workers], {}, waiting.status).status, waiting.status)
  })

  test('is deleted by force after lostNodeSeconds, and the next generation is created once it is gone', () => {
    const { status } = waiting
    const soon = decideFor([dead, ...workers], replacedAfter(360), status)
    assert.deepEqual([forced(soon), soon.requeueAfterSeconds], [[], 60])
    assert.match(conditionText(soon, 'Restarting'), /; replaced at .*Z \(failurePolicy.lostNodeSeconds\)$/)
    assert.deepEqual(forced(decideFor([dead, ...workers], replacedAfter(300), status)), ['uid-ps-0'])
    assert.deepEqual(actionsOf(decideFor(workers, replacedAfter(300), status)), [
      'createPod ps-0 attempt 1 generation 1 failures 0',
    ])
  })
})

describe('a pod that ends late', () => {
  const late = (facts: Partial<PodFacts>, spec = replacedAfter(60)) =>
    decideFor([pod('ps', 0), pod('worker', 0, facts), workers[1] as PodFacts], spec, before)

  test('is not on a lost node while its grace period lasts', () => {
    const ending = late(overdue(-20))
    assert.doesNotMatch(conditionText(ending, 'Degraded'), /NodeLost/)
    assert.deepEqual([forced(ending), ending.requeueAfterSeconds], [[], 35])
  })

  test('is deleted by force after lostNodeSeconds if it is a worker', () => {
    const gone = late(overdue(61))
    assert.deepEqual(forced(gone), ['uid-worker-0'])
    assert.match(
      conditionText(gone, 'Degraded'),
      /^True NodeLost: 1 of 2 workers run; lost: worker-0; worker-0 on node "gpu-7"/,
    )
  })

  test('is deleted by force after lostNodeSeconds if it is an evaluator', () => {
    const desired = { ps: 1, worker: 2, evaluator: 1 }
    const pods = [pod('ps', 0), ...workers, pod('evaluator', 0, overdue(61))]
    const job = pretrainJob({ spec: replacedAfter(60), status: before })
    assert.deepEqual(forced(decide(job, observed(pods, { desired }), NOW)), ['uid-evaluator-0'])
  })

  test('is not deleted by force while it has a finalizer, which the condition names', () => {
    const kept = late(overdue(900, { finalizers: ['backup/copy'] }))
    assert.deepEqual(forced(kept), [])
    assert.match(conditionText(kept, 'Degraded'), /and finalizer "backup\/copy" keeps it$/)
  })

  test('loses its finalizer of Kueue and is deleted by force', () => {
    const held = late(overdue(900, { finalizers: ['kueue.x-k8s.io/managed'], isHeld: true }))
    assert.deepEqual([held.actions[0]?.type, forced(held)], ['releasePod', ['uid-worker-0']])
  })

  test('is on a lost node also if the name of the node is unknown', () => {
    const kept = late(overdue(61, { nodeName: undefined }))
    assert.match(conditionText(kept, 'Degraded'), /^True NodeLost: .*; worker-0 on a node should have ended by /)
    assert.deepEqual(forced(kept), ['uid-worker-0'])
  })

  test('is not on a lost node if it was never placed', () => {
    const facts = { ...overdue(900), nodeName: undefined, isPlaced: false }
    assert.deepEqual(forced(late({ ...pending('worker', 0), ...facts })), [])
  })

  test('is deleted by force in a suspended job too, because the job needs its name to resume', () => {
    const pods = [pod('worker', 0, overdue(61))]
    const suspended = decideFor(pods, { suspend: true, ...replacedAfter(60) })
    assert.match(conditionText(suspended, 'Suspended'), /^True NodeLost: 1 pods are ending; .*worker-0 on node "gpu-7"/)
    assert.deepEqual([suspended.status.phase, forced(suspended)], ['Suspended', ['uid-worker-0']])
  })

  test('waits only for its finalizer if it has ended or never started', () => {
    const finalizers = ['backup/copy']
    for (const facts of [
      { phase: 'Failed', exitCode: 143 },
      { phase: 'Pending', isPlaced: false },
    ] as const) {
      const kept = late({ ...overdue(900), ...facts, finalizers })
      assert.match(
        conditionText(kept, 'Degraded'),
        /^True FinalizerPending: .*; worker-0 should have been deleted by .*Z, but finalizer "backup\/copy" keeps it$/,
      )
      assert.deepEqual(forced(kept), [])
    }
  })
})

describe('a pod on a node that does not report, before its deletion', () => {
  const conditions = (more = {}) => [{ type: 'Ready', status: 'False', lastTransitionTime: isoAgo(100), ...more }]
  const containerStatuses = [container('istio-proxy', running), container('worker', running)]
  const cases: [string, Parameters<typeof factsOf>[2], number | undefined][] = [
    [
      'is silent if the control plane set it to not ready',
      { phase: 'Running', conditions: conditions(), containerStatuses },
      ago(100),
    ],
    [
      'is silent in phase Unknown',
      { phase: 'Unknown', reason: 'NodeLost', conditions: conditions(), containerStatuses },
      ago(100),
    ],
    [
      'is not silent if its kubelet reports a container as not ready',
      { phase: 'Running', conditions: conditions({ reason: 'ContainersNotReady' }), containerStatuses },
      undefined,
    ],
    [
      'is not silent if one of its containers is not ready',
      {
        phase: 'Running',
        conditions: conditions(),
        containerStatuses: [container('worker', running, { ready: false })],
      },
      undefined,
    ],
    [
      'is not silent if it is ready',
      { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }], containerStatuses },
      undefined,
    ],
    ['is not silent if it has no status yet', {}, undefined],
  ]
  for (const [what, status, since] of cases) {
    test(what, () => assert.equal(factsOf('worker', 0, status).silentSinceMs, since))
  }

  test('counts as not ready, is named in the condition, and is deleted by force after lostNodeSeconds', () => {
    const facts = factsOf('worker', 0, { phase: 'Running', conditions: conditions(), containerStatuses })
    const pods = [pod('ps', 0), facts, pod('worker', 1)]
    const named = decideFor(pods, {}, before)
    assert.equal(named.status.replicas.worker.ready, 1)
    assert.match(conditionText(named, 'Degraded'), /^True NodeLost: worker-0 on node "node-1" has not reported since /)
    assert.deepEqual(forced(decideFor(pods, replacedAfter(101), before)), [])
    assert.deepEqual(forced(decideFor(pods, replacedAfter(100), before)), ['uid-worker-0'])
  })
})

describe('a parameter server whose end is not confirmed may still write, so its successor gets a new generation', () => {
  const silentStatus = {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: isoAgo(100) }],
    containerStatuses: [container('ps', running)],
  }
  const silent = factsOf('ps', 0, silentStatus)
  const evicted = factsOf('ps', 0, silentStatus, {
    metadata: { name: silent.name, deletionTimestamp: new Date(NOW + 30_000).toISOString() },
  })
  const successor = 'createPod ps-0 attempt 1 generation 1 failures 0'
  /** Decides for each list of pods in turn. */
  const follow = (spec: object, ...lists: PodFacts[][]) => {
    let status: Status | undefined = before
    return lists.map((pods) => {
      const decision = decideFor(pods, spec, status)
      status = decision.status
      return [decision.status.psGeneration, forced(decision), actionsOf(decision)]
    })
  }

  test('if it is silent past the limit: the status has the generation before the pod is deleted by force', () => {
    const pods = [silent, ...workers]
    assert.equal(decideFor(pods, {}, before).status.replicas.ps.ready, 0)
    assert.deepEqual(follow(replacedAfter(101), pods), [[0, [], []]])
    assert.deepEqual(follow(replacedAfter(100), pods, pods, workers), [
      [1, [], []],
      [1, ['uid-ps-0'], ['deletePod uid-ps-0']],
      [1, [], [successor]],
    ])
  })

  test('if it is silent and evicted, also when a person deletes it by force within its grace period', () => {
    assert.deepEqual(follow({}, [silent, ...workers], [evicted, ...workers], workers), [
      [0, [], []],
      [1, [], []],
      [1, [], [successor]],
    ])
    assert.match(
      conditionText(decideFor([evicted, ...workers], {}, before), 'Restarting'),
      /^True NodeLost: ps-0 is being deleted; all parameter servers restart from the last checkpoint; ps-0 on node "node-1" has not reported since /,
    )
  })

  test('if it is silent with its workers, which the control plane evicts first', () => {
    const gone = [pod('worker', 0, { deleting: true }), pod('worker', 1, { deleting: true })]
    const rounds = follow({}, [silent, ...workers], [silent, ...gone], [evicted, ...gone], gone)
    assert.deepEqual(
      rounds.map(([generation]) => generation),
      [0, 0, 1, 1],
    )
  })

  test('if it is silent and a person deletes it by force', () => {
    assert.deepEqual(follow({}, [silent, ...workers], workers, workers), [
      [0, [], []],
      [1, [], []],
      [1, [], [successor]],
    ])
  })

  test('if its job is suspended: the status has the generation before the name is free', () => {
    const spec = { suspend: true, ...replacedAfter(60) }
    const pods = [pod('ps', 0, overdue(61))]
    assert.deepEqual(follow(spec, pods, pods, []), [
      [1, [], []],
      [1, ['uid-ps-0'], ['deletePod uid-ps-0']],
      [1, [], []],
    ])
    const { status, requeueAfterSeconds } = decideFor(pods, spec, before)
    assert.deepEqual([requeueAfterSeconds, status.restarts.ps], [0, 1])
    assert.ok(actionsOf(decideFor([], {}, status)).includes(successor))
  })

  test('but not if its job is suspended and it ends within its grace period', () => {
    const spec = { suspend: true, ...replacedAfter(60) }
    assert.deepEqual(follow(spec, [pod('ps', 0, overdue(-20))], []), [
      [0, [], []],
      [0, [], []],
    ])
  })

  test('but is only deleted by force if its job has ended', () => {
    const ended = { type: 'Succeeded', status: 'True', reason: 'Completed', message: '' } as const
    const times = { lastTransitionTime: isoAgo(300), observedGeneration: 1 }
    const status = { ...before, conditions: [{ ...ended, ...times }] }
    assert.deepEqual(forced(decideFor([pod('ps', 0, overdue(61))], replacedAfter(60), status)), ['uid-ps-0'])
  })
})

describe('a name that a pod of another owner holds, which is being deleted', () => {
  const former = (facts: Partial<PodFacts>) => pod('ps', 0, { ownerUid: 'uid-former', deleting: true, ...facts })
  const createdCondition = (...pods: PodFacts[]) => conditionText(decideFor(pods, replacedAfter(60)), 'Created')

  test('delays the new pod, for example after a job was deleted and created again', () => {
    const ending = former({ endDueAtMs: NOW + 20_000, nodeName: 'gpu-7' })
    assert.equal(
      createdCondition(ending, ...workers),
      'False NameTaken: waits for pod jft-pj-ps-0 of another owner to be deleted',
    )
    const decision = decideFor([ending, ...workers])
    assert.equal(decision.requeueAfterSeconds, 35, 'the requeue reports the node of a late pod')
    assert.equal(decision.events.find(({ reason }) => reason === 'NameTaken')?.type, 'Normal')
  })

  test('is not deleted by force on a lost node, because the pod has another owner', () => {
    const lost = former(overdue(300))
    assert.match(
      createdCondition(lost, ...workers),
      /^False NodeLost: waits for pod jft-pj-ps-0 of another owner to be deleted; ps-0 on node "gpu-7" should have ended by .*; if the node is off for good, delete the pod by force$/,
    )
    assert.deepEqual(forced(decideFor([lost, ...workers], replacedAfter(60))), [])
  })

  test('stays while the pod has a finalizer, which the condition names', () => {
    const kept = former({ ...overdue(300), phase: 'Succeeded', finalizers: ['backup/copy'] })
    assert.match(createdCondition(kept, ...workers), /^False FinalizerPending: .*finalizer "backup\/copy" keeps it$/)
  })

  test('is a conflict if a pod that is not being deleted holds another name', () => {
    const stays = pod('worker', 1, { ownerUid: 'other' })
    assert.match(createdCondition(former(overdue(300)), stays), /^False NameConflict: the name is taken: /)
  })
})
