import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { ANNOTATIONS, LABELS } from '../../../src/contract/names.ts'
import { isStartingNormally, podFacts } from '../../../src/operator/pod-facts.ts'
import { type RawPod, trimPod } from '../../../src/operator/raw-pod.ts'

const LABELLED = { [LABELS.role]: 'worker', [LABELS.index]: '17', [LABELS.attempt]: '3', [LABELS.generation]: '2' }

/** Trims a pod from the API server as the watch does. */
function kept(status: RawPod['status'], metadata: Partial<RawPod['metadata']> = {}): RawPod {
  const pod = {
    metadata: {
      name: 'jft-pj-worker-17',
      namespace: 'team',
      uid: 'u1',
      resourceVersion: '5',
      labels: LABELLED,
      annotations: { [ANNOTATIONS.failures]: '2', [ANNOTATIONS.planHash]: 'abc', noise: 'x' },
      ownerReferences: [{ apiVersion: 'x', kind: 'PretrainJob', name: 'jft', uid: 'owner', controller: true }],
      creationTimestamp: '2026-01-02T03:00:00Z',
      ...metadata,
    },
    spec: { containers: [{ env: ['long'] }] },
    ...(status && { status }),
  }
  const trimmed = trimPod(pod)
  assert.ok(!('spec' in trimmed), 'the spec is not kept')
  return trimmed
}

const facts = (...pod: Parameters<typeof kept>) => podFacts(kept(...pod))

const terminated = (exitCode: number, more = {}) => ({
  phase: 'Failed',
  containerStatuses: [
    {
      name: 'worker',
      state: { terminated: { exitCode, reason: 'Error', finishedAt: '2026-01-02T03:04:05Z', ...more } },
    },
  ],
})

test('labels, annotations and owner give the job, role, index, attempt and failures of a pod', () => {
  const { role, index, attempt, generation, failures, planHash, ownerUid } = facts({ phase: 'Running' }) ?? {}
  assert.deepEqual(
    { role, index, attempt, generation, failures, planHash, ownerUid },
    { role: 'worker', index: 17, attempt: 3, generation: 2, failures: 2, planHash: 'abc', ownerUid: 'owner' },
  )
})

test('a pod without a known role or with an invalid index is ignored', () => {
  assert.equal(facts({}, { labels: { ...LABELLED, [LABELS.role]: 'boss' } }), undefined)
  assert.equal(facts({}, { labels: { ...LABELLED, [LABELS.index]: '-1' } }), undefined)
  assert.equal(facts({}, { labels: {} }), undefined)
})

test('a container that was killed for memory has its exit code, reason and termination message', () => {
  const one = facts(terminated(137, { reason: 'OOMKilled', message: 'message of the process' }))
  assert.deepEqual(
    [one?.phase, one?.exitCode, one?.reason, one?.terminationMessage, one?.disruption],
    ['Failed', 137, 'OOMKilled', 'message of the process', undefined],
  )
  assert.equal(one?.finishedAtMs, Date.UTC(2026, 0, 2, 3, 4, 5))
})

test('eviction, rejection by a kubelet and preemption are disruptions; a deadline is not', () => {
  const evicted = { phase: 'Failed', reason: 'Evicted', message: 'The node was low on memory' }
  assert.deepEqual([facts(evicted)?.disruption, facts(evicted)?.message], ['Evicted', 'The node was low on memory'])
  assert.equal(facts({ phase: 'Failed', reason: 'OutOfcpu' })?.disruption, 'OutOfcpu')
  const conditions = [{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' }]
  assert.equal(facts({ ...terminated(143), conditions })?.disruption, 'PreemptionByScheduler')
  assert.equal(facts({ ...terminated(1), reason: 'DeadlineExceeded' })?.disruption, undefined)
})

test('the message of the scheduler is read only while the pod is pending', () => {
  const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes' }]
  assert.equal(facts({ phase: 'Pending', conditions })?.unschedulable, '0/3 nodes')
  assert.equal(facts({ phase: 'Running', conditions })?.unschedulable, undefined)
})

test('a container that cannot start has a reason; a normal start has none', () => {
  const waiting = (reason: string) => ({
    phase: 'Pending',
    containerStatuses: [{ name: 'worker', state: { waiting: { reason, message: 'm' } } }],
  })
  assert.deepEqual(
    [facts(waiting('ErrImagePull'))?.reason, facts(waiting('ErrImagePull'))?.message],
    ['ErrImagePull', 'm'],
  )
  assert.equal(facts(waiting('ContainerCreating'))?.reason, undefined)
})

test('a new pod without a status has phase Unknown', () => {
  const one = facts(undefined)
  assert.deepEqual([one?.phase, one?.deleting, one?.exitCode], ['Unknown', false, undefined])
})

const condition = (type: string, status: string, reason?: string) => ({ type, status, ...(reason && { reason }) })
const waiting = (reason: string) => [{ name: 'worker', state: { waiting: { reason } } }]

suite('a pod starts normally', () => {
  const growing: [string, ...Parameters<typeof kept>][] = [
    ['while it is pending', { phase: 'Pending' }],
    ['when it gets a node', { phase: 'Pending', conditions: [condition('PodScheduled', 'True')] }],
    ['while its image is pulled', { phase: 'Pending', containerStatuses: waiting('ContainerCreating') }],
    ['when it is ready', { phase: 'Running', conditions: [condition('Ready', 'True')] }],
  ]
  for (const [what, ...pod] of growing) test(what, () => assert.equal(isStartingNormally(kept(...pod)), true))

  const others: [string, ...Parameters<typeof kept>][] = [
    ['when no node fits', { phase: 'Pending', conditions: [condition('PodScheduled', 'False', 'Unschedulable')] }],
    ['when its image cannot be pulled', { phase: 'Pending', containerStatuses: waiting('ErrImagePull') }],
    ['when it is not ready', { phase: 'Running', conditions: [condition('Ready', 'False')] }],
    [
      'when it is to be evicted',
      { phase: 'Running', conditions: [condition('DisruptionTarget', 'True', 'EvictionByEvictionAPI')] },
    ],
    ['when it is being deleted', { phase: 'Running' }, { deletionTimestamp: '2026-01-02T03:00:00Z' }],
    ['when it has succeeded', { phase: 'Succeeded' }],
    ['when it has failed', terminated(137)],
    ['when it has no role', { phase: 'Running' }, { labels: {} }],
  ]
  for (const [what, ...pod] of others) test(`not ${what}`, () => assert.equal(isStartingNormally(kept(...pod)), false))
})
