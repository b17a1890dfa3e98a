/** A worker with two processes that compute: one of them, the worker, or the run is killed. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Job } from '../../src/api/job.ts'
import { eventually } from '../support/eventually.ts'
import { type LocalRun, startLocalRun } from '../support/local-run.ts'
import { kill, untilStep } from './disturb.ts'
import { JOB, prepareSmallJobs, type SmallJobs } from './small-job.ts'

const ENDS_WITHIN_MS = 150_000
const SMALL = { kind: 'PretrainJob', name: JOB } as const
const MAX_STEPS = 150
const SPEC = { workers: { replicas: 1, perPod: 2 }, maxSteps: MAX_STEPS }
const PATIENT = { timeoutMs: 30_000, intervalMs: 100 }

describe('of a worker with several processes', { concurrency: false }, () => {
  let jobs: SmallJobs
  before(async () => {
    jobs = await prepareSmallJobs()
  })
  after(() => jobs.remove())

  async function runAndDisturb(disturb: (run: LocalRun) => Promise<void>): Promise<LocalRun> {
    const { file, stateDir } = await jobs.next(SPEC)
    const run = startLocalRun([file], stateDir)
    try {
      await untilStep(run, SMALL, 20, ENDS_WITHIN_MS)
      await disturb(run)
      await run.ended(ENDS_WITHIN_MS)
      return run
    } finally {
      run.child.kill('SIGKILL')
    }
  }

  function assertReplaced(run: LocalRun): void {
    const { status } = run.results()[0] as Job
    assert.equal(status?.phase, 'Succeeded', run.output())
    assert.equal(status?.progress?.step, MAX_STEPS)
    assert.deepEqual([status?.restarts.worker, status?.restarts.ps], [1, 0])
  }

  test('one is killed: its pod fails as a whole and is replaced', async () => {
    const killed: (number | undefined)[] = []
    const run = await runAndDisturb(async (run) => {
      killed.push(run.podPid('worker', 0), run.computePid(0, 0))
      kill(run.computePid(0, 1))
      await eventually(() => {
        const left = run.processes()
        assert.ok(killed.every((pid) => pid !== undefined && !left.includes(pid)))
      }, PATIENT)
    })
    assertReplaced(run)
  })

  test('the worker is killed: its processes end, and its pod is replaced', async () => {
    const run = await runAndDisturb(async (run) => {
      const processes = [0, 1].map((process) => run.computePid(0, process))
      assert.ok(processes.every((pid) => pid !== undefined))
      kill(run.podPid('worker', 0))
      await eventually(() => {
        const left = run.processes()
        assert.ok(processes.every((pid) => !left.includes(pid as number)))
      }, PATIENT)
    })
    assertReplaced(run)
  })

  for (const signal of ['SIGINT', 'SIGKILL'] as const)
    test(`the run gets ${signal}: no process stays behind`, async () => {
      const run = await runAndDisturb(async (run) => {
        assert.ok(run.computePid(0, 1) !== undefined)
        run.child.kill(signal)
      })
      await eventually(() => assert.deepEqual(run.processes(), []), PATIENT)
    })
})
