/** Whole runs whose evaluator is stopped, killed or slow: no score is lost, or the status says how many were. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import type { Job } from '../../src/api/job.ts'
import { FILES, parseEvaluation, STEP_FOLDER } from '../../src/contract/files.ts'
import { TENSORFLOW_THREADS } from '../../src/contract/runtime.ts'
import { eventually } from '../support/eventually.ts'
import { type LocalRun, startLocalRun } from '../support/local-run.ts'
import { JOB, prepareSmallJobs, type SmallJobs } from './small-job.ts'

const ENDS_WITHIN_MS = 240_000
const EVERY = 20
const STEPS = 200
const ALL_STEPS = Array.from({ length: STEPS / EVERY }, (_, i) => (i + 1) * EVERY)
const KEEP = 2
// TensorFlow adds in another order with other numbers of threads, and a run gives fewer to its pods than one program takes.
for (const name of TENSORFLOW_THREADS) process.env[name] = '1'

describe('a slow evaluator', { concurrency: false }, () => {
  let jobs: SmallJobs
  before(async () => {
    jobs = await prepareSmallJobs()
  })
  after(() => jobs.remove())

  /** Runs a job with ten checkpoints while `disturb` acts. @returns its end */
  async function train(maxWaiting: number, disturb: (run: LocalRun, folder: () => Promise<string>) => Promise<void>) {
    const evaluation = {
      data: { source: { claimName: 'data', path: 'evaluation' }, format: 'tfrecord', labels: 'labels.json' },
      maxWaiting,
    }
    const checkpoint = { everySteps: EVERY, keep: KEEP, keepBest: 1 }
    // `downpour evaluate` chooses the same backend, so its scores are equal to the last bit.
    const runtime = { backend: 'auto' }
    const { file, stateDir, checkpointDir } = await jobs.next({ maxSteps: STEPS, evaluation, checkpoint, runtime })
    const folder = async () => {
      const [name] = await readdir(join(checkpointDir, 'default'))
      return join(checkpointDir, 'default', name as string)
    }
    const run = startLocalRun([file], stateDir)
    try {
      await disturb(run, folder)
      assert.equal(await run.ended(ENDS_WITHIN_MS), 0, run.output())
      const [job] = run.results() as [Job]
      return { job, scored: await scoredSteps(await folder()), output: run.output(), folder: await folder() }
    } finally {
      run.child.kill('SIGKILL')
    }
  }

  async function evaluatorOf(run: LocalRun): Promise<number> {
    return eventually(() => run.podPid('evaluator', 0) ?? assert.fail(run.output()), {
      timeoutMs: 60_000,
      intervalMs: 50,
    })
  }

  const untilTrained = (run: LocalRun, step: number) =>
    eventually(
      async () => {
        const { status } = await run.job('PretrainJob', JOB)
        assert.ok((status?.checkpoint?.step ?? 0) >= step, run.output())
      },
      { timeoutMs: ENDS_WITHIN_MS, intervalMs: 200 },
    )

  test('that is stopped, and later killed, leaves no hole in the curve', async () => {
    const { job, scored, folder } = await train(ALL_STEPS.length, async (run) => {
      const pid = await evaluatorOf(run)
      process.kill(pid, 'SIGSTOP')
      await untilTrained(run, STEPS / 2)
      process.kill(pid, 'SIGKILL')
      await untilTrained(run, STEPS)
    })
    assert.deepEqual(scored, ALL_STEPS)
    assert.deepEqual(job.status?.evaluation, { waiting: 0, skipped: 0 })
    assert.equal(job.status?.results?.step, STEPS, 'the final checkpoint is scored last')
    const alone = JSON.parse(await scoreAlone(folder, join(jobs.dataDir, 'evaluation')))
    assert.deepEqual([alone.checkpoint.step, alone.metrics], [STEPS, job.status?.results?.metrics])
  })

  test('with less room skips the oldest, and the status counts every hole', async () => {
    let inFolder: string[] = []
    const { job, scored, output } = await train(1, async (run, folder) => {
      const pid = await evaluatorOf(run)
      process.kill(pid, 'SIGSTOP')
      await untilTrained(run, STEPS)
      inFolder = (await readdir(await folder())).filter((name) => STEP_FOLDER.test(name))
      process.kill(pid, 'SIGCONT')
    })
    assert.ok(inFolder.length <= KEEP + 1 + 1, `${inFolder}: no more than keep, the best and one that waits`)
    const { evaluation, results } = job.status ?? {}
    assert.equal(results?.step, STEPS)
    assert.ok((evaluation?.skipped ?? 0) >= ALL_STEPS.length - inFolder.length - 1, JSON.stringify(evaluation))
    assert.equal(scored.length + (evaluation?.skipped ?? 0), ALL_STEPS.length, `scored ${scored}`)
    assert.match(output, /PretrainJob\/small: \d+ checkpoints were deleted before they were scored: the evaluator is/)
  })
})

/** The output of `downpour evaluate`, which finds all that it needs in the checkpoint. */
async function scoreAlone(checkpoint: string, data: string): Promise<string> {
  const args = ['evaluate', '--checkpoint', checkpoint, '--data', data, '--json']
  return (await promisify(execFile)('bin/downpour', args)).stdout
}

/** Steps of the evaluator's list of scores, in order. */
async function scoredSteps(folder: string): Promise<number[]> {
  const text = await readFile(join(folder, FILES.evaluations), 'utf8')
  return text.split('\n').flatMap((line) => parseEvaluation(line)?.step ?? [])
}
