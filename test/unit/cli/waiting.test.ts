import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { ConditionType } from '../../../src/api/conditions.ts'
import type { JobStatus } from '../../../src/api/status.ts'
import { waitingOf } from '../../../src/cli/waiting.ts'
import { pretrain } from '../../support/job-cases.ts'
import { jobOf } from '../plan/jobs.ts'

type ConditionRow = readonly [type: ConditionType, status: 'True' | 'False', reason: string, message: string]

function waiting(phase: JobStatus['phase'], ...rows: readonly ConditionRow[]) {
  const conditions = rows.map(([type, status, reason, message]) => ({ type, status, reason, message }))
  return waitingOf(jobOf(pretrain(), { phase, conditions: conditions as JobStatus['conditions'] }))
}
const STARTING: readonly ConditionRow[] = [
  ['Created', 'False', 'Creating', '1 of 3 pods exist'],
  ['Scheduled', 'False', 'Scheduling', 'worker-0: not yet seen by the scheduler'],
  ['Running', 'False', 'Starting', 'ps 0/1, workers 0/2'],
]

suite('why a job does not train', () => {
  test('is undefined while it starts, trains or has succeeded', () => {
    assert.equal(waitingOf(jobOf(pretrain())), undefined)
    assert.equal(waiting('Starting', ...STARTING), undefined)
    assert.equal(
      waiting('Running', ['Running', 'True', 'Training', 'ps 1/1'], ['Degraded', 'False', 'AllThere', 'x']),
      undefined,
    )
    assert.equal(
      waiting('Succeeded', ['Running', 'False', 'Succeeded', 'done'], ['Suspended', 'False', 'Resumed', 'x']),
      undefined,
    )
  })

  const cases: readonly [what: string, row: ConditionRow, wanted?: string][] = [
    ['a quota', ['Created', 'False', 'QuotaExceeded', 'exceeded quota: gpus']],
    ['a name that is taken', ['Created', 'False', 'NameConflict', 'the name is taken: pod x belongs to another owner']],
    [
      'an invalid pod template',
      ['Created', 'False', 'TemplateInvalid', 'spec.containers[0].env[0].name: Invalid value'],
    ],
    ['no node', ['Scheduled', 'False', 'Unschedulable', 'worker-0: 0/3 nodes are available']],
    ['a queue', ['Scheduled', 'False', 'Queued', '3 of 3 pods wait for queue "q" to admit the job']],
    [
      'an image',
      ['Running', 'False', 'ImagePullBackOff', 'ps 0/1, workers 0/2; ps-0: ImagePullBackOff: no such image'],
    ],
    ['a missing source', ['SourceResolved', 'False', 'SourceMissing', 'waits for PretrainJob "x": there is none']],
    ['a restart of parameter servers', ['Restarting', 'True', 'ParameterServerLost', 'ps-0: OOMKilled (exit 137)']],
    ['no progress', ['Stalled', 'True', 'NoProgress', 'no progress for more than 600 s']],
    ['a full disk', ['CheckpointDegraded', 'True', 'SaveFailed', '2 saves failed, the last: ENOSPC']],
    ['lost workers', ['Degraded', 'True', 'PodsLost', '1 of 2 workers run; lost: worker-1']],
    [
      'a suspension',
      ['Suspended', 'True', 'Suspended', 'set spec.suspend to false to continue from the last checkpoint'],
    ],
    [
      'a missing claim, with advice',
      ['Scheduled', 'False', 'Unschedulable', 'worker-0: persistentvolumeclaim "jft" not found'],
      'worker-0: persistentvolumeclaim "jft" not found; add PersistentVolumeClaim "jft" in namespace team to the file, with the path of a folder in annotation local.downpour.dev/path',
    ],
    [
      'all missing claims, each once',
      [
        'Scheduled',
        'False',
        'Unschedulable',
        'ps-0: persistentvolumeclaim "out" not found; worker-0: persistentvolumeclaim "out" not found, persistentvolumeclaim "jft" not found',
      ],
      'ps-0: persistentvolumeclaim "out" not found; worker-0: persistentvolumeclaim "out" not found, persistentvolumeclaim "jft" not found; add PersistentVolumeClaims "out", "jft" in namespace team to the file, each with the path of a folder in annotation local.downpour.dev/path',
    ],
  ]
  for (const [what, row, wanted = row[3]] of cases)
    test(`is reported: ${what}`, () => {
      const found = waiting(
        row[0] === 'Degraded' ? 'Running' : 'Starting',
        ...STARTING.filter(([type]) => type !== row[0]),
        row,
      )
      assert.deepEqual(found, { key: `${row[0]}/${row[2]}`, text: wanted })
    })

  test('is the cause rather than its consequence, in one line', () => {
    const quota: ConditionRow = ['Created', 'False', 'QuotaExceeded', 'exceeded\nquota\x1b[2J']
    const found = waiting('Pending', ['Stalled', 'True', 'QuorumLost', '0 of 2 workers run'], quota)
    assert.deepEqual(found, { key: 'Created/QuotaExceeded', text: 'exceeded quota [2J' })
  })
})
