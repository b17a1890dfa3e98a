/** Kills the worker and the parameter server of a detection job, each in a separate run: the job ends trained and scored. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Job } from '../../src/api/job.ts'
import { type LocalRun, startLocalRun } from '../support/local-run.ts'
import { kill, untilStep } from './disturb.ts'
import { DETECTION_JOB, DETECTION_STEPS, prepareDetectionJobs, type SmallDetectionJobs } from './small-detection-job.ts'

const ENDS_WITHIN_MS = 150_000
const BOXES = { kind: 'FinetuneJob', name: DETECTION_JOB } as const
/** Untrained: ln 2 for objectness, ln 5 for four classes and the background, and something for boxes. */
const UNTRAINED_LOSS = Math.log(2) + Math.log(5)

describe('a detection job survives SIGKILL', { concurrency: false }, () => {
  let jobs: SmallDetectionJobs
  before(async () => {
    jobs = await prepareDetectionJobs()
  })
  after(() => jobs.remove())

  async function runToEnd(disturb: (run: LocalRun) => void): Promise<Job> {
    const { file, stateDir } = await jobs.next()
    const run = startLocalRun([file], stateDir)
    try {
      await untilStep(run, BOXES, 40, ENDS_WITHIN_MS)
      disturb(run)
      assert.equal(await run.ended(ENDS_WITHIN_MS), 0, run.output())
      return run.results()[0] as Job
    } finally {
      run.child.kill('SIGKILL')
    }
  }

  test('of the worker: a new pod replaces it', async () => {
    const job = await runToEnd((run) => kill(run.podPid('worker', 0)))
    assertTrained(job)
    assert.deepEqual([job.status?.restarts.worker, job.status?.restarts.ps], [1, 0])
  })

  test('of the parameter server: it restores the last checkpoint', async () => {
    const job = await runToEnd((run) => kill(run.podPid('ps', 0)))
    assertTrained(job)
    assert.deepEqual([job.status?.restarts.ps, job.status?.psGeneration], [1, 1])
  })
})

function assertTrained({ status }: Job): void {
  const { phase, progress, checkpoint, results } = status ?? {}
  assert.deepEqual([phase, progress?.step], ['Succeeded', DETECTION_STEPS])
  assert.deepEqual([checkpoint?.step, checkpoint?.final], [DETECTION_STEPS, true])
  assert.ok((progress?.loss as number) < UNTRAINED_LOSS, `loss ${progress?.loss}`)
  const { AP, 'AP@.5': half } = results?.metrics ?? {}
  assert.ok((AP as number) >= 0 && (half as number) >= (AP as number), `AP ${AP}, AP@.5 ${half}`)
}
