/** `downpour run` on a disk that is too small: it prints what is full, waits, and continues when there is space. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { startLocalRun } from '../support/local-run.ts'
import { CANNOT_MOUNT, mountSmallDisk } from '../support/small-disk.ts'
import { JOB, MAX_STEPS, prepareSmallJobs, type SmallJobs } from './small-job.ts'

const ENDS_WITHIN_MS = 240_000
// A run keeps its compile cache on that disk unless the environment names another place for it.
delete process.env.NODE_COMPILE_CACHE

describe('a run whose disk is full', { skip: CANNOT_MOUNT, concurrency: false }, () => {
  let jobs: SmallJobs
  before(async () => {
    jobs = await prepareSmallJobs()
  })
  after(() => jobs.remove())

  for (const [what, size, isFilled] of [
    ['from its first file on', '3m', false],
    ['while it trains', '64m', true],
  ] as const)
    test(`${what} waits for space and then succeeds`, async () => {
      const { file, stateDir } = await jobs.next()
      const disk = mountSmallDisk(stateDir, size)
      const run = startLocalRun([file], stateDir)
      try {
        if (isFilled) {
          await eventually(
            async () => assert.ok(((await run.job('PretrainJob', JOB)).status?.progress?.step ?? 0) > 0),
            { timeoutMs: ENDS_WITHIN_MS, intervalMs: 100 },
          )
          disk.fill()
        }
        await eventually(() => assert.match(run.output(), /no space is left on the device \(.*\): the run waits/), {
          timeoutMs: ENDS_WITHIN_MS,
          intervalMs: 100,
        })
        assert.equal(run.child.exitCode, null, run.output())
        disk.free()
        disk.grow('256m')
        assert.equal(await run.ended(ENDS_WITHIN_MS), 0, run.output())
        assert.match(run.output(), /the disk has space again: the run continues/)
        assert.doesNotMatch(run.output(), /^\{|\n\s+at |\n\{/, 'neither JSON nor a stack trace')
        assert.equal(run.results()[0]?.status?.progress?.step, MAX_STEPS)
      } finally {
        run.child.kill('SIGKILL')
        await eventually(() => assert.deepEqual(run.processes(), []), { timeoutMs: 30_000, intervalMs: 100 })
        disk.unmount()
      }
    })
})
