import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Job } from '../../../src/api/job.ts'
import { decide } from '../../../src/operator/decide.ts'
import { JobTime } from '../../../src/operator/job-time.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { NOW, observed, pretrainJob } from './builders.ts'

const TWENTY_DAYS_MS = 20 * 24 * 3_600_000

/** @returns a job that `reconcile` decides again, each time with the status of the decision before */
function jobOn(clock: FakeClock, spec: object) {
  let job: Job = pretrainJob({ spec })
  let time = new JobTime(clock)
  return {
    reconcile(): Job {
      const nowMs = time.nowMs(job.metadata.uid, job.status)
      job = { ...job, status: decide(job, observed([]), nowMs).status } as Job
      return job
    },
    restartOperator: () => (time = new JobTime(clock)),
  }
}

const failure = ({ status }: Job) => status?.conditions.find((one) => one.type === 'Failed')?.reason

describe('a wall clock that jumps back 20 days', () => {
  for (const restarts of [false, true])
    test(`does not delay a deadline${restarts ? ', even if the operator restarts after the jump' : ''}`, async () => {
      const clock = new FakeClock(NOW)
      const job = jobOn(clock, { activeDeadlineSeconds: 60 })
      job.reconcile()
      await clock.advance(30_000)
      job.reconcile()
      clock.setWall(-TWENTY_DAYS_MS)
      if (restarts) job.restartOperator()
      job.reconcile()
      await clock.advance(restarts ? 59_000 : 29_000)
      assert.equal(failure(job.reconcile()), undefined)
      await clock.advance(1000)
      const ended = job.reconcile()
      assert.equal(failure(ended), 'DeadlineExceeded')
      const { startTime = '', completionTime = '' } = ended.status ?? {}
      const tookMs = Date.parse(completionTime) - Date.parse(startTime)
      assert.equal(tookMs, 60_000, 'the column TIME shows the real duration')
    })

  test('does not delay the deletion after ttlSecondsAfterFinished', async () => {
    const clock = new FakeClock(NOW)
    const job = jobOn(clock, { activeDeadlineSeconds: 1, ttlSecondsAfterFinished: 10 })
    job.reconcile()
    await clock.advance(1000)
    const ended = job.reconcile()
    clock.setWall(-TWENTY_DAYS_MS)
    const time = new JobTime(clock)
    time.nowMs('uid', ended.status)
    await clock.advance(10_000)
    const { actions } = decide(ended, observed([]), time.nowMs('uid', ended.status))
    assert.ok(actions.some(({ type }) => type === 'deleteJob'))
  })

  test('does not change the time of existing jobs, only that of new ones', () => {
    const clock = new FakeClock(NOW)
    const time = new JobTime(clock)
    time.nowMs('old', undefined)
    clock.setWall(-TWENTY_DAYS_MS)
    assert.equal(time.nowMs('old', undefined), NOW)
    assert.equal(time.nowMs('new of the same name', undefined), NOW - TWENTY_DAYS_MS)
  })
})
