import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { JobStatus } from '../../../../src/api/status.ts'
import { withoutPreviousStatus } from '../../../../src/cli/run/previous-status.ts'
import { pretrain } from '../../../support/job-cases.ts'
import { jobOf } from '../../plan/jobs.ts'

const progress = (step: number, updatedAt: string) => ({ step, updatedAt }) as JobStatus['progress'] & object
const PREVIOUS = { phase: 'Running', conditions: [], progress: progress(300, 'then') } satisfies Partial<JobStatus>
const shown = (status: Partial<JobStatus>, previous: Partial<JobStatus> | undefined = PREVIOUS) =>
  withoutPreviousStatus(jobOf(pretrain(), status), previous as JobStatus | undefined).status

suite('a job continued from a previous run', () => {
  test('is not shown with its old step, nor as running, before the operator has reconciled it', () => {
    assert.equal(shown(structuredClone(PREVIOUS)), undefined)
    assert.deepEqual(shown({ ...PREVIOUS, phase: 'Starting' }), { phase: 'Starting', conditions: [] })
    assert.deepEqual(shown({ ...PREVIOUS, headline: 'x' }), { phase: 'Running', conditions: [], headline: 'x' })
  })

  test('is shown with the step that its parameter server reports in this run, also the same or an earlier one', () => {
    for (const step of [290, 300, 310]) {
      const status = { ...PREVIOUS, progress: progress(step, 'now') }
      assert.deepEqual(shown(status), status)
    }
  })

  test('is shown with its old status if it has ended, waits or is suspended', () => {
    for (const phase of ['Succeeded', 'Failed', 'Suspended', 'Waiting'] as const) {
      const status = { ...PREVIOUS, phase }
      assert.deepEqual(shown(status, status), status)
    }
  })

  test('is shown with the reason if it still waits for a claim, a node or a queue', () => {
    const message = 'ps-0: persistentvolumeclaim "jft" not found'
    const scheduled = { type: 'Scheduled', status: 'False', reason: 'Unschedulable', message } as const
    const status = {
      phase: 'Starting',
      conditions: [{ ...scheduled, lastTransitionTime: 'then', observedGeneration: 1 }],
    } satisfies Partial<JobStatus>
    assert.deepEqual(shown(status, structuredClone(status)), status)
  })

  test('a new job is shown with its status', () => {
    assert.deepEqual(withoutPreviousStatus(jobOf(pretrain(), PREVIOUS), undefined).status, PREVIOUS)
  })
})
