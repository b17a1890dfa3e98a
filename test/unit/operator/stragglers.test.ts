import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Straggler } from '../../../src/contract/status.ts'
import { decide } from '../../../src/operator/decide.ts'
import type { PodFacts } from '../../../src/operator/observed.ts'
import { avoidNodes } from '../../../src/plan/avoid-nodes.ts'
import { actionsOf, conditionText, coordinator, isoAgo, NOW, observed, pending, pod, pretrainJob } from './builders.ts'

const HOUR = 3600
const DESIRED = { ps: 1, worker: 4, evaluator: 0 }
type Settings = NonNullable<ReturnType<typeof pretrainJob>['spec']['workers']['stragglers']>
const REPLACE: Settings = { policy: 'Replace', slowerThan: 2, forSeconds: 300, maxReplacements: 2 }
type Status = ReturnType<typeof decide>['status']

const worker = (index: number, facts: Partial<PodFacts> = {}) =>
  pod('worker', index, { nodeName: `gpu-${index}`, ...facts })
const slow = (index: number, facts: Partial<Straggler> = {}): Straggler => ({
  worker: index,
  podUid: `uid-worker-${index}`,
  slowness: 4.25,
  since: isoAgo(301),
  ...facts,
})

function decideFor({
  pods = [0, 1, 2, 3].map((index) => worker(index)),
  slowOnes = [slow(2)],
  stragglers = REPLACE as Settings | null,
  status = undefined as Status | undefined,
  nowMs = NOW,
}) {
  const job = pretrainJob({
    spec: { workers: { replicas: 4, ...(stragglers && { stragglers }) } },
    ...(status && { status }),
  })
  const facts = { desired: DESIRED, coordinator: coordinator({ stragglers: slowOnes }) }
  return decide(job, observed([pod('ps', 0), ...pods], facts), nowMs)
}

describe('a slow worker', () => {
  test('is named in the condition Straggling and stays, unless the spec says otherwise', () => {
    for (const stragglers of [null, { ...REPLACE, policy: 'Report' as const }]) {
      const decision = decideFor({ stragglers })
      assert.equal(
        conditionText(decision, 'Straggling'),
        `True SlowWorkers: worker-2 on node "gpu-2" takes 4.3 times as long for a step as the median worker, since ${isoAgo(301)}; not replaced (workers.stragglers.policy is Report)`,
      )
      assert.deepEqual(actionsOf(decision), [])
      assert.equal(decision.status.stragglersReplaced, undefined)
      assert.ok(decision.events.some(({ type, reason }) => type === 'Warning' && reason === 'SlowWorkers'))
    }
  })

  test('is written to the status first, then deleted, and its successor avoids the node', () => {
    const first = decideFor({})
    assert.deepEqual([actionsOf(first), first.requeueAfterSeconds], [[], 0])
    const record = { worker: 2, podUid: 'uid-worker-2', node: 'gpu-2', at: isoAgo(0) }
    assert.deepEqual(first.status.stragglersReplaced, [record])
    assert.deepEqual([first.status.restarts.worker, first.status.restarts.counted], [1, 0])
    assert.match(
      first.events.find(({ reason }) => reason === 'PodReplaced')?.message ?? '',
      /^worker-2 on node "gpu-2" takes 4.3 .*; another pod takes its place$/,
    )

    const second = decideFor({ status: first.status })
    assert.deepEqual(actionsOf(second), ['deletePod uid-worker-2'])
    assert.deepEqual(second.status.restarts, first.status.restarts)
    assert.deepEqual(second.events, [], 'announced once')

    const gone = [0, 1, 3].map((index) => worker(index))
    const third = decideFor({ pods: gone, status: second.status })
    assert.deepEqual(actionsOf(third), ['createPod worker-2 attempt 1 generation 0 failures 0'])
    assert.deepEqual(
      third.actions.map((action) => 'avoid' in action && action.avoid),
      [['gpu-2']],
    )
  })

  test('that is slow again on another node is not replaced again, and is again a day later', () => {
    const { status } = decideFor({})
    const successor = worker(2, { uid: 'uid-next', nodeName: 'gpu-9', attempt: 1 })
    const pods = [worker(0), worker(1), successor, worker(3)]
    const again = (nowMs: number) => decideFor({ pods, slowOnes: [slow(2, { podUid: 'uid-next' })], status, nowMs })
    for (const seconds of [60, HOUR, 23 * HOUR]) {
      const decision = again(NOW + seconds * 1000)
      assert.deepEqual([actionsOf(decision), decision.status.stragglersReplaced], [[], status.stragglersReplaced])
      assert.match(
        conditionText(decision, 'Straggling'),
        /^True SlowWorkers: worker-2 on node "gpu-9" .*; 1 of 2 replacements within 24 hours/,
      )
    }
    const nextDay = again(NOW + 25 * HOUR * 1000)
    assert.deepEqual(
      nextDay.status.stragglersReplaced?.map(({ podUid }) => podUid),
      ['uid-next'],
    )
  })
})

describe('no worker is replaced', () => {
  const replacedIn = (decision: ReturnType<typeof decide>) => decision.status.stragglersReplaced?.length ?? 0

  test('beyond maxReplacements within 24 hours', () => {
    const replaced = (worker: number, seconds: number) => ({ worker, podUid: `gone-${worker}`, at: isoAgo(seconds) })
    const status = (seconds: number) => ({
      ...decideFor({ slowOnes: [] }).status,
      stragglersReplaced: [replaced(0, seconds), replaced(1, 60)],
    })
    assert.equal(replacedIn(decideFor({ status: status(23 * HOUR) })), 2)
    const later = decideFor({ status: status(25 * HOUR) })
    assert.deepEqual(
      later.status.stragglersReplaced?.map(({ worker }) => worker),
      [1, 2],
    )
  })

  test('while another worker does not run, so never two at once', () => {
    const [zero, one, two] = [0, 1, 2].map((index) => worker(index))
    for (const other of [pending('worker', 3), worker(3, { deleting: true }), worker(3, { ready: false })])
      assert.equal(replacedIn(decideFor({ pods: [zero, one, two, other] as PodFacts[] })), 0)
    assert.equal(replacedIn(decideFor({ pods: [zero, one, two] as PodFacts[] })), 0)
    const both = decideFor({ slowOnes: [slow(2), slow(1)] })
    assert.deepEqual(
      both.status.stragglersReplaced?.map(({ worker }) => worker),
      [2],
    )
    assert.equal(
      replacedIn(decideFor({ slowOnes: [slow(2), slow(1)], status: both.status })),
      1,
      'the first one still runs',
    )
  })

  test('because its former pod was slow', () => {
    const decision = decideFor({ slowOnes: [slow(2, { podUid: 'former' })] })
    assert.equal(replacedIn(decision), 0)
    assert.equal(conditionText(decision, 'Straggling'), 'absent')
  })

  test('by a parameter server that does not answer; the condition stays as it was', () => {
    const { status } = decideFor({ stragglers: null })
    const job = pretrainJob({ spec: { workers: { replicas: 4, stragglers: REPLACE } }, status })
    const pods = [pod('ps', 0), ...[0, 1, 2, 3].map((index) => worker(index))]
    const decision = decide(job, observed(pods, { desired: DESIRED }), NOW)
    assert.equal(replacedIn(decision), 0)
    assert.match(conditionText(decision, 'Straggling'), /^True SlowWorkers/)
  })

  test('that has recovered: the condition ends', () => {
    const { status } = decideFor({ stragglers: null })
    const decision = decideFor({ slowOnes: [], status })
    assert.equal(conditionText(decision, 'Straggling'), 'False AllAlike: no worker is much slower than others')
  })
})

test('a job whose replaced worker is always slow, whatever its node, replaces a bounded number of pods', () => {
  let status: Status | undefined
  const pods = new Map([0, 1, 2, 3].map((index) => [index, worker(index)]))
  let nowMs = NOW
  let deleted = 0
  const uidOf = (index: number) => pods.get(index)?.uid ?? ''
  for (let hour = 0; hour < 48; hour++, nowMs += HOUR * 1000)
    for (let reconcile = 0; reconcile < 5; reconcile++) {
      const slowOnes = [2, 1].map((index) => slow(index, { podUid: uidOf(index) }))
      const decision = decideFor({ pods: [...pods.values()], slowOnes, nowMs, ...(status && { status }) })
      status = decision.status
      for (const action of decision.actions)
        if (action.type === 'deletePod') {
          deleted++
          const [index] = [...pods].find(([, { uid }]) => uid === action.uid) ?? []
          if (index !== undefined) pods.delete(index)
        } else if (action.type === 'createPod') {
          const { index, attempt } = action
          pods.set(index, worker(index, { uid: `uid-${index}-${attempt}-${hour}`, attempt, nodeName: `gpu-${hour}` }))
        }
    }
  assert.equal(deleted, 4, 'two a day')
  assert.equal(status?.restarts.worker, 4)
})

test('a successor prefers other nodes, in addition to what the template prefers and requires', () => {
  const term = (node: string) => ({
    weight: 100,
    preference: { matchFields: [{ key: 'metadata.name', operator: 'NotIn', values: [node] }] },
  })
  const required = { nodeSelectorTerms: [] }
  const mine = { weight: 1, preference: {} }
  const own = {
    podAffinity: {},
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: required,
      preferredDuringSchedulingIgnoredDuringExecution: [mine],
    },
  }
  assert.equal(avoidNodes(own, []), own)
  assert.deepEqual(avoidNodes(undefined, ['a', 'b']), {
    nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [term('a'), term('b')] },
  })
  assert.deepEqual(avoidNodes(own, ['a']), {
    podAffinity: {},
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: required,
      preferredDuringSchedulingIgnoredDuringExecution: [mine, term('a')],
    },
  })
})
