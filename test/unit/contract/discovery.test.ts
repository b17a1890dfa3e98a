import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressOf, type DiscoveredPod, podTargets } from '../../../src/contract/discovery.ts'
import { LABELS } from '../../../src/contract/names.ts'

const labels = {
  [LABELS.jobKind]: 'PretrainJob',
  [LABELS.jobName]: 'a',
  [LABELS.jobUid]: 'u',
  [LABELS.role]: 'worker',
  [LABELS.index]: '3',
  [LABELS.attempt]: '7',
}
const pod = (status: DiscoveredPod['status'], own: Record<string, string> = labels): DiscoveredPod => ({
  metadata: { name: 'a-pj-worker-3', namespace: 'team', labels: own },
  status,
})

test('a running pod of a job is a target with the labels by which its series join those of the operator', () => {
  assert.deepEqual(podTargets([pod({ phase: 'Running', podIP: '10.0.0.7' })]), [
    {
      targets: ['10.0.0.7:9090'],
      labels: {
        ...{ namespace: 'team', pod: 'a-pj-worker-3', kind: 'PretrainJob', job_name: 'a' },
        ...{ role: 'worker', index: '3' },
      },
    },
  ])
})

test('pods that do not run, have no address or belong to no job are no targets', () => {
  for (const other of [
    pod({ phase: 'Succeeded', podIP: '10.0.0.7' }),
    pod({ phase: 'Pending' }),
    pod({ phase: 'Running' }),
    pod(undefined),
    pod({ phase: 'Running', podIP: '10.0.0.7' }, { app: 'other' }),
  ])
    assert.deepEqual(podTargets([other]), [])
})

test('an IPv6 address stands in brackets', () => {
  assert.equal(addressOf('fd00::1', 9090), '[fd00::1]:9090')
})
