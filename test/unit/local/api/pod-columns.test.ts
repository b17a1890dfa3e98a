import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { podStatus, readyContainers } from '../../../../src/local/api/pod-columns.ts'
import type { Stored } from '../../../../src/local/store/objects.ts'

const pod = (status: object, containers = 2) =>
  ({ metadata: { name: 'w' }, spec: { containers: Array.from({ length: containers }) }, status }) as unknown as Stored
const running = { ready: true, started: true, state: { running: {} } }
const ended = (exitCode: number, reason: string) => ({ ready: false, state: { terminated: { exitCode, reason } } })
const waiting = (reason: string) => ({ ready: false, state: { waiting: { reason } } })

suite('kubectl get shows of a pod', () => {
  const cases: [string, Stored, string, string][] = [
    ['one that runs', pod({ phase: 'Running', containerStatuses: [running, running] }), '2/2', 'Running'],
    [
      'a sidecar that lives on',
      pod({ phase: 'Running', containerStatuses: [running, ended(0, 'Completed')] }),
      '1/2',
      'NotReady',
    ],
    [
      'an error beside a sidecar',
      pod({ phase: 'Running', containerStatuses: [running, ended(11, 'Error')] }),
      '1/2',
      'Error',
    ],
    [
      'an init container that fails',
      pod({ phase: 'Pending', initContainerStatuses: [ended(255, 'Error')] }, 1),
      '0/1',
      'Init:Error',
    ],
    [
      'an init image',
      pod({ phase: 'Pending', initContainerStatuses: [ended(0, 'Completed'), waiting('ImagePullBackOff')] }, 1),
      '0/1',
      'Init:ImagePullBackOff',
    ],
    [
      'init at work',
      pod({ phase: 'Pending', initContainerStatuses: [running, { state: { running: {} } }] }, 1),
      '0/1',
      'Init:1/2',
    ],
    ['evicted', pod({ phase: 'Failed', reason: 'Evicted' }, 1), '0/1', 'Evicted'],
  ]
  for (const [what, one, ready, status] of cases) {
    test(what, () => assert.deepEqual([readyContainers(one), podStatus(one)], [ready, status]))
  }
})
