/** Ctrl-C at `downpour run`: it prints what it saved, another file can then run, and the first resumes from its checkpoint. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { type LocalRun, startLocalRun } from '../support/local-run.ts'
import { JOB, MAX_STEPS, prepareSmallJobs, type SmallJobs } from './small-job.ts'

const ENDS_WITHIN_MS = 150_000
/** More steps than a run reaches before it is interrupted. */
const ENDLESS_STEPS = 100_000

describe('an interrupted run', { concurrency: false }, () => {
  let jobs: SmallJobs
  before(async () => {
    jobs = await prepareSmallJobs()
  })
  after(() => jobs.remove())

  async function interruptAt(step: number, run: LocalRun): Promise<string> {
    try {
      await eventually(
        async () => {
          const { status } = await run.job('PretrainJob', JOB)
          assert.ok((status?.progress?.step ?? 0) >= step, run.output())
        },
        { timeoutMs: ENDS_WITHIN_MS, intervalMs: 100 },
      )
      run.child.kill('SIGINT')
      assert.equal(await run.ended(ENDS_WITHIN_MS), 130, run.output())
      assert.deepEqual(run.processes(), [])
      return run.output()
    } finally {
      run.child.kill('SIGKILL')
    }
  }
  const savedStep = (output: string) =>
    Number(/\nstopped; saved: PretrainJob\/small at step (\d+)\n$/.exec(output)?.[1])

  test('prints the step that it saved, and resumes from there', async () => {
    const { file, stateDir } = await jobs.next({ maxSteps: ENDLESS_STEPS })
    const first = savedStep(await interruptAt(100, startLocalRun([file], stateDir)))
    assert.ok(first >= 100, `saved at step ${first}`)
    const second = savedStep(await interruptAt(first + 50, startLocalRun([file], stateDir)))
    assert.ok(second > first, `saved at step ${second}, before at ${first}`)
  })

  test('leaves its job suspended while another file runs', async () => {
    const [long, other] = [await jobs.next({ maxSteps: ENDLESS_STEPS }), await jobs.next({}, 'other')]
    await interruptAt(1, startLocalRun([long.file], long.stateDir))
    const run = startLocalRun([other.file], long.stateDir)
    try {
      assert.equal(await run.ended(ENDS_WITHIN_MS), 0, run.output())
      assert.match(run.output(), /1 unfinished job of a previous run is suspended: PretrainJob\/small /)
      const [job, ...more] = run.results()
      assert.deepEqual([job?.metadata.name, job?.status?.progress?.step, more], ['other', MAX_STEPS, []])
    } finally {
      run.child.kill('SIGKILL')
    }
  })
})
