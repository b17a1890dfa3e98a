import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { podStatus, readyContainers } from '../../../../src/local/api/pod-columns.ts'
import type { Stored } from '../../../../src/local/store/objects.ts'

const pod = (status: object, containers = 2) =>
  ({ metadata: { name: 'w' }, spec: { containers: Array.from({ length: containers }) }, status }) as unknown as Stored
const running = { ready: true, started: true, state: { running: {} } }
const ended = (exitCode: number, reason: string) => ({ ready: false, state: { terminated: { exitCode, reason } } })
const waiting = (reason: string) => ({ ready: false, state: { waiting: { reason } } })

suite('the columns READY and STATUS of kubectl get pods', () => {
  const cases: [string, Stored, string, string][] = [
    ['show a running pod', pod({ phase: 'Running', containerStatuses: [running, running] }), '2/2', 'Running'],
    [
      'show NotReady if a sidecar runs on after the other container',
      pod({ phase: 'Running', containerStatuses: [running, ended(0, 'Completed')] }),
      '1/2',
      'NotReady',
    ],
    [
      'show the error of a container beside a running sidecar',
      pod({ phase: 'Running', containerStatuses: [running, ended(11, 'Error')] }),
      '1/2',
      'Error',
    ],
    [
      'show an init container that failed',
      pod({ phase: 'Pending', initContainerStatuses: [ended(255, 'Error')] }, 1),
      '0/1',
      'Init:Error',
    ],
    [
      'show an init container whose image cannot be pulled',
      pod({ phase: 'Pending', initContainerStatuses: [ended(0, 'Completed'), waiting('ImagePullBackOff')] }, 1),
      '0/1',
      'Init:ImagePullBackOff',
    ],
    [
      'show how many init containers have ended',
      pod({ phase: 'Pending', initContainerStatuses: [running, { state: { running: {} } }] }, 1),
      '0/1',
      'Init:1/2',
    ],
    ['show an evicted pod', pod({ phase: 'Failed', reason: 'Evicted' }, 1), '0/1', 'Evicted'],
  ]
  for (const [what, one, ready, status] of cases) {
    test(what, () => assert.deepEqual([readyContainers(one), podStatus(one)], [ready, status]))
  }
})
