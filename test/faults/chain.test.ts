/** A chain of jobs on one machine: turns, an interruption between two of them, results as they come, and the report. */
import assert from 'node:assert/strict'
import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { dump } from 'js-yaml'
import { eventually } from '../support/eventually.ts'
import { type LocalRun, startLocalRun } from '../support/local-run.ts'
import { finetuneJob, JOB, prepareSmallJobs, type SmallJobs } from './small-job.ts'

const ENDS_WITHIN_MS = 150_000
const PRETRAIN_STEPS = 40

describe('a chain of jobs', { concurrency: false }, () => {
  let jobs: SmallJobs
  before(async () => {
    jobs = await prepareSmallJobs()
  })
  after(() => jobs.remove())

  const start = (file: string, stateDir: string) => startLocalRun([file], stateDir, ['--parallel-jobs', '1'])
  async function whenEnded(run: LocalRun, name: string): Promise<void> {
    const succeeded = async () => {
      const { status } = await run.job('FinetuneJob', name)
      assert.equal(status?.phase, 'Succeeded', run.output())
    }
    await eventually(succeeded, { timeoutMs: ENDS_WITHIN_MS, intervalMs: 100 })
  }

  test('trains one at a time, continues after Ctrl-C, prints what pre-training gains, and shows pictures', async () => {
    const { file, stateDir } = await jobs.next({ maxSteps: PRETRAIN_STEPS })
    for (const job of [finetuneJob('ours', 'pretrained', 8), finetuneJob('random', 'random', 8)])
      await appendFile(file, `---\n${dump(job)}`)

    const first = start(file, stateDir)
    try {
      await whenEnded(first, 'ours')
      first.child.kill('SIGINT')
      assert.equal(await first.ended(ENDS_WITHIN_MS), 130, first.output())
      assert.match(first.output(), /\n2 jobs wait for their turn: at most 1 job trains at a time \(--parallel-jobs\)\n/)
      assert.doesNotMatch(first.output(), /against/, 'no gain before both have ended')
      assert.deepEqual(first.processes(), [])
    } finally {
      first.child.kill('SIGKILL')
    }

    const second = start(file, stateDir)
    try {
      assert.equal(await second.ended(ENDS_WITHIN_MS), 0, second.output())
    } finally {
      second.child.kill('SIGKILL')
    }
    const ended = second.results().map(({ metadata, status }) => [metadata.name, status?.phase, status?.startTime])
    assert.deepEqual(
      ended.map(([name, phase]) => [name, phase]),
      [JOB, 'ours', 'random'].map((name) => [name, 'Succeeded']),
    )
    const [pretrained, ours, random] = second.results().map(({ status }) => status)
    assert.ok((ours?.startTime ?? '') >= (pretrained?.completionTime ?? '?'), 'one at a time')
    assert.ok((random?.startTime ?? '') >= (ours?.completionTime ?? '?'), 'one at a time')
    const gain = /\nimagenet-classification: top1 \S+ \(ours\) against \S+ from random weights \(random\) at 8 steps: /
    assert.equal(second.output().match(new RegExp(gain, 'g'))?.length, 1, second.output())
    assert.match(
      second.output(),
      /\nTASK +JOB +STEPS +METRIC +PRE-TRAINED +RANDOM +GAIN\nimagenet-classification +ours +8 +top1 /,
    )
    const report = await readFile(join(stateDir, 'report.html'), 'utf8')
    assert.equal(report.match(/src="data:image\/webp;base64,[\w+/=]{100,}"/g)?.length, 12, 'six pictures of each job')
    assert.match(report, /worst: 0\.\d{3}[\s\S]*median: 0\.\d{3}[\s\S]*best: 0\.\d{3}/)
    assert.doesNotMatch(report, /cannot be read/)
  })
})
