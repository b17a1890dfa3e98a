/** Kills a worker, the parameter server, the operator and `downpour run`, each in a separate run, and compares the results with an undisturbed run. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Job } from '../../src/api/job.ts'
import { eventually } from '../support/eventually.ts'
import { type LocalRun, startLocalRun } from '../support/local-run.ts'
import { kill, untilStep } from './disturb.ts'
import { JOB, MAX_STEPS, prepareSmallJobs, type SmallJobs } from './small-job.ts'

const ENDS_WITHIN_MS = 150_000
const SMALL = { kind: 'PretrainJob', name: JOB } as const
/**
 * Relative tolerance of the loss: 5 standard deviations of the difference of two runs. The loss is smoothed over about 40
 * batches of 8; in 40 runs, half of them with a killed worker, it was 20.9 with a deviation of .57. It is 46 after 20 steps
 * and 24 after 100, so weights that start over or go wrong shortly before the end are seen.
 */
const LOSS_TOLERANCE = 0.2

describe('training survives SIGKILL', { concurrency: false }, () => {
  let jobs: SmallJobs
  let undisturbed: Job
  before(async () => {
    jobs = await prepareSmallJobs()
    undisturbed = (await runToEnd()).job
  })
  after(() => jobs.remove())

  async function runToEnd(disturb: (run: LocalRun) => Promise<void> = async () => {}) {
    const { file, stateDir } = await jobs.next()
    const run = startLocalRun([file], stateDir)
    try {
      await disturb(run)
      assert.equal(await run.ended(ENDS_WITHIN_MS), 0, run.output())
      return { job: run.results()[0] as Job, output: run.output() }
    } finally {
      run.child.kill('SIGKILL')
    }
  }

  test('of a worker: a new pod replaces it', async () => {
    const { job } = await runToEnd(async (run) => {
      await untilStep(run, SMALL, 100, ENDS_WITHIN_MS)
      kill(run.podPid('worker', 0))
    })
    assertTrained(job)
    assert.equal(job.status?.restarts.worker, 1)
    assert.equal(job.status?.restarts.ps, 0)
  })

  test('of the parameter server: it restores the last checkpoint', async () => {
    const { job } = await runToEnd(async (run) => {
      await untilStep(run, SMALL, 100, ENDS_WITHIN_MS)
      kill(run.podPid('ps', 0))
    })
    assertTrained(job)
    assert.equal(job.status?.restarts.ps, 1)
    assert.equal(job.status?.psGeneration, 1)
  })

  test('of the operator: pods continue to train, and no pod is restarted', async () => {
    const { job, output } = await runToEnd(async (run) => {
      await untilStep(run, SMALL, 100, ENDS_WITHIN_MS)
      kill(run.operatorPid())
    })
    assertTrained(job)
    assert.match(output, /operator ended \(SIGKILL\) and is restarted/)
    assert.equal(job.status?.restarts.total, 0)
  })

  test('of `downpour run` itself: no process stays behind, and the next run resumes the job', async () => {
    const { file, stateDir } = await jobs.next()
    const first = startLocalRun([file], stateDir)
    await untilStep(first, SMALL, 100, ENDS_WITHIN_MS)
    first.child.kill('SIGKILL')
    await eventually(() => assert.deepEqual(first.processes(), []), { timeoutMs: 30_000, intervalMs: 100 })
    const second = startLocalRun([file], stateDir)
    try {
      assert.equal(await second.ended(ENDS_WITHIN_MS), 0, second.output())
      const [job] = second.results() as [Job]
      assertTrained(job)
      assert.equal(job.status?.restarts.counted, 0, 'the loss of a node does not count as a failure of the job')
    } finally {
      second.child.kill('SIGKILL')
    }
  })

  function assertTrained(job: Job): void {
    const { progress, checkpoint, phase } = job.status ?? {}
    assert.equal(phase, 'Succeeded')
    assert.equal(progress?.step, MAX_STEPS)
    assert.deepEqual([checkpoint?.step, checkpoint?.final], [MAX_STEPS, true])
    const [loss = Number.NaN, expected = Number.NaN] = [progress?.loss, undisturbed.status?.progress?.loss]
    assert.ok(Math.abs(loss - expected) <= LOSS_TOLERANCE * expected, `loss ${loss}, undisturbed ${expected}`)
  }
})
