/** Runs jobs with one worker twice: with the same seed, loss, every score and every weight are the same. */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import type { Job } from '../../src/api/job.ts'
import { realFileSystem } from '../../src/checkpoint/file-system.ts'
import { findLatest } from '../../src/checkpoint/list.ts'
import { loadCheckpoint } from '../../src/checkpoint/load.ts'
import { FILES } from '../../src/contract/files.ts'
import { startLocalRun } from '../support/local-run.ts'
import { prepareDetectionJobs } from './small-detection-job.ts'
import { prepareSmallJobs } from './small-job.ts'

const ENDS_WITHIN_MS = 300_000
const SHORT = {
  maxSteps: 30,
  workers: { replicas: 1 },
  checkpoint: { everySteps: 15, keep: 4 },
  runtime: { backend: 'auto' },
}

interface Jobs {
  next(spec: Record<string, unknown>): Promise<{ file: string; stateDir: string }>
  remove(): Promise<void>
}

interface Outcome {
  loss: unknown
  /** Of each scored checkpoint. */
  scores: readonly { step: number; metrics: Record<string, number> }[]
  weights: ReadonlyMap<string, Float32Array>
}

async function outcomeOf(jobs: Jobs, spec: Record<string, unknown>): Promise<Outcome> {
  const { file, stateDir } = await jobs.next({ ...SHORT, ...spec })
  const run = startLocalRun([file], stateDir)
  try {
    assert.equal(await run.ended(ENDS_WITHIN_MS), 0, run.output())
    const { progress } = (run.results()[0] as Job).status ?? {}
    return { loss: progress?.loss, ...(await storedIn(stateDir)) }
  } finally {
    run.child.kill('SIGKILL')
  }
}

async function storedIn(stateDir: string): Promise<Omit<Outcome, 'loss'>> {
  const volume = join(stateDir, 'volumes', 'default', 'checkpoints')
  const files = await readdir(volume, { recursive: true })
  const list = join(volume, files.find((name) => name.endsWith(FILES.evaluations)) as string)
  const lines = (await readFile(list, 'utf8')).split('\n').filter(Boolean)
  const { latest } = await findLatest(dirname(list), realFileSystem)
  const { variables } = await loadCheckpoint(latest?.folder as string, { slots: false, fs: realFileSystem })
  return {
    scores: lines.map((line) => JSON.parse(line)).map(({ step, metrics }) => ({ step, metrics })),
    weights: new Map([...variables].map(([name, { data }]) => [name, data])),
  }
}

/** @returns the outcome of both runs */
async function assertRepeats(jobs: Jobs, spec: Record<string, unknown> = {}): Promise<Outcome> {
  const first = await outcomeOf(jobs, spec)
  const second = await outcomeOf(jobs, spec)
  assert.equal(typeof first.loss, 'number')
  assert.equal(first.scores.at(-1)?.step, SHORT.maxSteps)
  assert.deepEqual(second, first)
  return first
}

describe('with one worker, the same seed gives the same loss, scores and weights', { concurrency: false }, () => {
  test('in pre-training on records with augmentation, and another seed gives others', async () => {
    const jobs = await prepareSmallJobs()
    try {
      const { loss, scores } = await assertRepeats(jobs)
      const other = await outcomeOf(jobs, { seed: 99 })
      assert.notEqual(other.loss, loss)
      assert.notDeepEqual(other.scores, scores)
    } finally {
      await jobs.remove()
    }
  })

  test('in a pod of several processes, whichever is faster', async () => {
    const jobs = await prepareSmallJobs()
    try {
      await assertRepeats(jobs, { workers: { replicas: 1, perPod: 3 }, batchNorm: { mode: 'calibrated' } })
    } finally {
      await jobs.remove()
    }
  })

  test('in detection, which samples anchors and proposals, with calibrated batch norm', async () => {
    const jobs = await prepareDetectionJobs()
    try {
      await assertRepeats(jobs, { gradientClipNorm: 10 })
    } finally {
      await jobs.remove()
    }
  })
})
