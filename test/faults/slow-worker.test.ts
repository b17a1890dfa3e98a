/** Stops a worker with SIGSTOP: its connection stays open, so only the time of its step shows that it hangs. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Job } from '../../src/api/job.ts'
import { eventually } from '../support/eventually.ts'
import { startLocalRun } from '../support/local-run.ts'
import { untilStep } from './disturb.ts'
import { JOB, MAX_STEPS, prepareSmallJobs, type SmallJobs } from './small-job.ts'

const ENDS_WITHIN_MS = 240_000
const SMALL = { kind: 'PretrainJob', name: JOB } as const

describe('a worker that hangs', { concurrency: false }, () => {
  let jobs: SmallJobs
  before(async () => {
    jobs = await prepareSmallJobs()
  })
  after(() => jobs.remove())

  test('is found and replaced, and those that wait for it with boundedDelay then go on', async () => {
    const { file, stateDir } = await jobs.next({
      async: { policy: { type: 'boundedDelay', maxDelay: 2 } },
      workers: {
        replicas: 3,
        stragglers: { policy: 'Replace', slowerThan: 10, forSeconds: 10, maxReplacements: 1 },
        template: { terminationGracePeriodSeconds: 1 },
      },
    })
    const run = startLocalRun([file], stateDir)
    try {
      await untilStep(run, SMALL, 100, ENDS_WITHIN_MS)
      process.kill(run.podPid('worker', 1) as number, 'SIGSTOP')
      await eventually(
        async () => {
          const { status } = await run.job(SMALL.kind, JOB)
          assert.deepEqual(
            status?.stragglersReplaced?.map(({ worker }) => worker),
            [1],
            run.output(),
          )
          assert.ok((status?.progress?.step ?? 0) < MAX_STEPS, 'the others wait for it')
        },
        { timeoutMs: ENDS_WITHIN_MS, intervalMs: 100 },
      )
      assert.equal(await run.ended(ENDS_WITHIN_MS), 0, run.output())
      const [job] = run.results() as [Job]
      const { phase, progress, restarts } = job.status ?? {}
      assert.deepEqual([phase, progress?.step], ['Succeeded', MAX_STEPS])
      assert.deepEqual([restarts?.worker, restarts?.counted], [1, 0])
    } finally {
      run.child.kill('SIGKILL')
    }
  })
})
