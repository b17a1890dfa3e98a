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
/** Being deleted, its grace period passed so many seconds ago. */
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
const look = (pods: PodFacts[], spec = {}, status?: Status) =>
  decide(pretrainJob({ spec, ...(status && { status }) }), observed(pods), NOW)
const before = look([pod('ps', 0), ...workers]).status
const forced = (decision: ReturnType<typeof decide>) =>
  decision.actions.flatMap((action) => (action.type === 'deletePod' && action.force ? [action.uid] : []))

describe('a parameter server that does not end, for its node is gone', () => {
  const dead = pod('ps', 0, overdue(300))
  const waiting = look([dead, ...workers], {}, { ...before, psGeneration: 1 })

  test('is waited for, with node and cause named and what can be done', () => {
    assert.match(
      conditionText(waiting, 'Restarting'),
      /^True NodeLost: .*after ps-0 of the previous generation has ended; ps-0 on node "gpu-7" should have ended by .*Z, but its node has not confirmed it \(DeletionByTaintManager: Taint manager: deleting due to NoExecute taint\); .*set failurePolicy.lostNodeSeconds$/,
    )
    assert.match(conditionText(waiting, 'Degraded'), /^True NodeLost: ps-0 on node "gpu-7"/)
    assert.deepEqual([actionsOf(waiting), forced(waiting)], [[], []])
    assert.ok(waiting.events.some(({ type, reason }) => type === 'Warning' && reason === 'NodeLost'))
  })

  test('the status settles', () => {
    assert.deepEqual(look([dead, ...workers], {}, waiting.status).status, waiting.status)
  })

  test('is deleted by force after lostNodeSeconds, and the next generation made once it is gone', () => {
    const { status } = waiting
    const soon = look([dead, ...workers], replacedAfter(360), status)
    assert.deepEqual([forced(soon), soon.requeueAfterSeconds], [[], 60])
    assert.match(conditionText(soon, 'Restarting'), /; replaced at .*Z \(failurePolicy.lostNodeSeconds\)$/)
    assert.deepEqual(forced(look([dead, ...workers], replacedAfter(300), status)), ['uid-ps-0'])
    assert.deepEqual(actionsOf(look(workers, replacedAfter(300), status)), [
      'createPod ps-0 attempt 1 generation 1 failures 0',
    ])
  })
})

describe('a pod that is late to end', () => {
  const late = (facts: Partial<PodFacts>, spec = replacedAfter(60)) =>
    look([pod('ps', 0), pod('worker', 0, facts), workers[1] as PodFacts], spec, before)

  test('within its grace period is a pod that ends', () => {
    const ending = late(overdue(-20))
    assert.doesNotMatch(conditionText(ending, 'Degraded'), /NodeLost/)
    assert.deepEqual([forced(ending), ending.requeueAfterSeconds], [[], 35])
  })

  test('for longer than the limit is replaced: a worker', () => {
    const gone = late(overdue(61))
    assert.deepEqual(forced(gone), ['uid-worker-0'])
    assert.match(
      conditionText(gone, 'Degraded'),
      /^True NodeLost: 1 of 2 workers run; lost: worker-0; worker-0 on node "gpu-7"/,
    )
  })

  test('an evaluator too', () => {
    const desired = { ps: 1, worker: 2, evaluator: 1 }
    const pods = [pod('ps', 0), ...workers, pod('evaluator', 0, overdue(61))]
    const job = pretrainJob({ spec: replacedAfter(60), status: before })
    assert.deepEqual(forced(decide(job, observed(pods, { desired }), NOW)), ['uid-evaluator-0'])
  })

  test('is not forced away from a finalizer of somebody, which is named', () => {
    const kept = late(overdue(900, { finalizers: ['backup/copy'] }))
    assert.deepEqual(forced(kept), [])
    assert.match(conditionText(kept, 'Degraded'), /and finalizer "backup\/copy" keeps it$/)
  })

  test('held by Kueue is let go and forced', () => {
    const held = late(overdue(900, { finalizers: ['kueue.x-k8s.io/managed'], isHeld: true }))
    assert.deepEqual([held.actions[0]?.type, forced(held)], ['releasePod', ['uid-worker-0']])
  })

  test('and whose node nobody has named is late all the same', () => {
    const kept = late(overdue(61, { nodeName: undefined }))
    assert.match(conditionText(kept, 'Degraded'), /^True NodeLost: .*; worker-0 on a node should have ended by /)
    assert.deepEqual(forced(kept), ['uid-worker-0'])
  })

  test('that never had a node is not on a lost one', () => {
    const facts = { ...overdue(900), nodeName: undefined, isPlaced: false }
    assert.deepEqual(forced(late({ ...pending('worker', 0), ...facts })), [])
  })

  test('of a suspended job is named and forced as well: its name is needed to go on', () => {
    const pods = [pod('worker', 0, overdue(61))]
    const suspended = look(pods, { suspend: true, ...replacedAfter(60) })
    assert.match(conditionText(suspended, 'Suspended'), /^True NodeLost: 1 pods are ending; .*worker-0 on node "gpu-7"/)
    assert.deepEqual([suspended.status.phase, forced(suspended)], ['Suspended', ['uid-worker-0']])
  })

  test('and has ended, or never began, waits for a finalizer and for no node', () => {
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

describe('a pod on a silent node that nobody has deleted', () => {
  const conditions = (more = {}) => [{ type: 'Ready', status: 'False', lastTransitionTime: isoAgo(100), ...more }]
  const containerStatuses = [container('istio-proxy', running), container('worker', running)]
  const cases: [string, Parameters<typeof factsOf>[2], number | undefined][] = [
    [
      'whose readiness the control plane took away',
      { phase: 'Running', conditions: conditions(), containerStatuses },
      ago(100),
    ],
    [
      'in phase Unknown',
      { phase: 'Unknown', reason: 'NodeLost', conditions: conditions(), containerStatuses },
      ago(100),
    ],
    [
      'not so: its kubelet says that a container is not ready',
      { phase: 'Running', conditions: conditions({ reason: 'ContainersNotReady' }), containerStatuses },
      undefined,
    ],
    [
      'not so: a container is not ready',
      {
        phase: 'Running',
        conditions: conditions(),
        containerStatuses: [container('worker', running, { ready: false })],
      },
      undefined,
    ],
    [
      'not so: it is ready',
      { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }], containerStatuses },
      undefined,
    ],
    ['not so: it was just made', {}, undefined],
  ]
  for (const [what, status, since] of cases) {
    test(what, () => assert.equal(factsOf('worker', 0, status).silentSinceMs, since))
  }

  test('is not ready, is named, and is replaced in time', () => {
    const facts = factsOf('worker', 0, { phase: 'Running', conditions: conditions(), containerStatuses })
    const pods = [pod('ps', 0), facts, pod('worker', 1)]
    const named = look(pods, {}, before)
    assert.equal(named.status.replicas.worker.ready, 1)
    assert.match(conditionText(named, 'Degraded'), /^True NodeLost: worker-0 on node "node-1" has not reported since /)
    assert.deepEqual(forced(look(pods, replacedAfter(101), before)), [])
    assert.deepEqual(forced(look(pods, replacedAfter(100), before)), ['uid-worker-0'])
  })
})

describe('a parameter server that nobody sees end may still write: those after it are of a new generation', () => {
  const silentStatus = {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: isoAgo(100) }],
    containerStatuses: [container('ps', running)],
  }
  const silent = factsOf('ps', 0, silentStatus)
  const evicted = factsOf('ps', 0, silentStatus, {
    metadata: { name: silent.name, deletionTimestamp: new Date(NOW + 30_000).toISOString() },
  })
  const heir = 'createPod ps-0 attempt 1 generation 1 failures 0'
  /** Looks at each of the lists of pods in turn. */
  const follow = (spec: object, ...lists: PodFacts[][]) => {
    let status: Status | undefined = before
    return lists.map((pods) => {
      const decision = look(pods, spec, status)
      status = decision.status
      return [decision.status.psGeneration, forced(decision), actionsOf(decision)]
    })
  }

  test('silent, and given up: the generation is written down before the pod is deleted by force', () => {
    const pods = [silent, ...workers]
    assert.equal(look(pods, {}, before).status.replicas.ps.ready, 0)
    assert.deepEqual(follow(replacedAfter(101), pods), [[0, [], []]])
    assert.deepEqual(follow(replacedAfter(100), pods, pods, workers), [
      [1, [], []],
      [1, ['uid-ps-0'], ['deletePod uid-ps-0']],
      [1, [], [heir]],
    ])
  })

  test('silent, and evicted by the control plane: also when a person deletes it by force within its grace period', () => {
    assert.deepEqual(follow({}, [silent, ...workers], [evicted, ...workers], workers), [
      [0, [], []],
      [1, [], []],
      [1, [], [heir]],
    ])
    assert.match(
      conditionText(look([evicted, ...workers], {}, before), 'Restarting'),
      /^True NodeLost: ps-0 is being deleted; all parameter servers restart from the last checkpoint; ps-0 on node "node-1" has not reported since /,
    )
  })

  test('silent with its workers, which the control plane evicts first', () => {
    const gone = [pod('worker', 0, { deleting: true }), pod('worker', 1, { deleting: true })]
    const looks = follow({}, [silent, ...workers], [silent, ...gone], [evicted, ...gone], gone)
    assert.deepEqual(
      looks.map(([generation]) => generation),
      [0, 0, 1, 1],
    )
  })

  test('silent, and gone at once by the hand of a person', () => {
    assert.deepEqual(follow({}, [silent, ...workers], workers, workers), [
      [0, [], []],
      [1, [], []],
      [1, [], [heir]],
    ])
  })

  test('of a suspended job: known before its name is free', () => {
    const spec = { suspend: true, ...replacedAfter(60) }
    const pods = [pod('ps', 0, overdue(61))]
    assert.deepEqual(follow(spec, pods, pods, []), [
      [1, [], []],
      [1, ['uid-ps-0'], ['deletePod uid-ps-0']],
      [1, [], []],
    ])
    const { status, requeueAfterSeconds } = look(pods, spec, before)
    assert.deepEqual([requeueAfterSeconds, status.restarts.ps], [0, 1])
    assert.ok(actionsOf(look([], {}, status)).includes(heir))
  })

  test('of a suspended job that ends as it should stays of its generation', () => {
    const spec = { suspend: true, ...replacedAfter(60) }
    assert.deepEqual(follow(spec, [pod('ps', 0, overdue(-20))], []), [
      [0, [], []],
      [0, [], []],
    ])
  })

  test('of a job that has ended has none after it', () => {
    const ended = { type: 'Succeeded', status: 'True', reason: 'Completed', message: '' } as const
    const times = { lastTransitionTime: isoAgo(300), observedGeneration: 1 }
    const status = { ...before, conditions: [{ ...ended, ...times }] }
    assert.deepEqual(forced(look([pod('ps', 0, overdue(61))], replacedAfter(60), status)), ['uid-ps-0'])
  })
})

describe('a name that a pod of another owner holds, which is being deleted', () => {
  const former = (facts: Partial<PodFacts>) => pod('ps', 0, { ownerUid: 'uid-former', deleting: true, ...facts })
  const saying = (...pods: PodFacts[]) => conditionText(look(pods, replacedAfter(60)), 'Created')

  test('is waited for, as after a job that was deleted and made again', () => {
    const ending = former({ endDueAtMs: NOW + 20_000, nodeName: 'gpu-7' })
    assert.equal(
      saying(ending, ...workers),
      'False NameTaken: waits for pod jft-pj-ps-0 of another owner to be deleted',
    )
    const decision = look([ending, ...workers])
    assert.equal(decision.requeueAfterSeconds, 35, 'to name its node if it is late')
    assert.equal(decision.events.find(({ reason }) => reason === 'NameTaken')?.type, 'Normal')
  })

  test('on a lost node: the node is named, and the pod of another owner is not ours to force', () => {
    const lost = former(overdue(300))
    assert.match(
      saying(lost, ...workers),
      /^False NodeLost: waits for pod jft-pj-ps-0 of another owner to be deleted; ps-0 on node "gpu-7" should have ended by .*; if the node is off for good, delete the pod by force$/,
    )
    assert.deepEqual(forced(look([lost, ...workers], replacedAfter(60))), [])
  })

  test('kept by a finalizer: that is named', () => {
    const kept = former({ ...overdue(300), phase: 'Succeeded', finalizers: ['backup/copy'] })
    assert.match(saying(kept, ...workers), /^False FinalizerPending: .*finalizer "backup\/copy" keeps it$/)
  })

  test('beside one that is there to stay: a person has to choose', () => {
    const stays = pod('worker', 1, { ownerUid: 'other' })
    assert.match(saying(former(overdue(300)), stays), /^False NameConflict: the name is taken: /)
  })
})
