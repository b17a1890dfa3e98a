import assert from 'node:assert/strict'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { type FileSystem, realFileSystem } from '../../../src/checkpoint/file-system.ts'
import type { ListedCheckpoint } from '../../../src/checkpoint/list.ts'
import { FILES } from '../../../src/contract/files.ts'
import type { EvaluatorStatus } from '../../../src/contract/status.ts'
import type { Score } from '../../../src/evaluator/evaluate.ts'
import { followCheckpoints } from '../../../src/evaluator/follow.ts'
import { createEvaluatorMetrics } from '../../../src/metrics/evaluator.ts'
import { silentLog } from '../../../src/support/log.ts'
import { eventually } from '../../support/eventually.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { inside } from '../data/builders.ts'
import { writeCheckpoint } from './builders.ts'

const root = temporaryFolder()

/** Follows a folder with a fake clock; `score` decides the outcome of scoring a step. */
class Follower {
  readonly folder = join(inside(root), 'job')
  readonly clock = new FakeClock()
  readonly metrics = createEvaluatorMetrics()
  readonly status: EvaluatorStatus = { role: 'evaluator', index: 0, phase: 'waiting', evaluations: [], failure: null }
  readonly scored: number[] = []
  readonly fs: FileSystem = { ...realFileSystem }
  readonly stop = new AbortController()
  score: (checkpoint: ListedCheckpoint) => Promise<Score> = async ({ manifest }) => scoreOf(manifest.step)

  start(): Promise<void> {
    const score = (checkpoint: ListedCheckpoint) => {
      this.scored.push(checkpoint.manifest.step)
      return this.score(checkpoint)
    }
    const { folder: jobFolder, clock, metrics, status, fs } = this
    const { signal } = this.stop
    return followCheckpoints({ jobFolder, score, status, metrics, clock, fs, signal, log: silentLog })
  }

  /** Lets the follower poll the folder once more, after its previous poll has ended. */
  async poll(): Promise<void> {
    await eventually(() => assert.equal(this.clock.sleeping, 1))
    await this.clock.advance(500)
  }

  async results(): Promise<Record<string, number>> {
    await eventually(() => assert.equal(this.clock.sleeping, 1))
    const { values } = await this.metrics.evaluations.get()
    return Object.fromEntries(values.map(({ labels, value }) => [String(labels.result), value]))
  }
}

const scoreOf = (step: number): Score => ({ metrics: { top1: step / 1000 }, examples: 8 })

test('the newest checkpoint is scored once, and following ends after the final one', async () => {
  const follower = new Follower()
  const done = follower.start()
  await follower.poll()
  await writeCheckpoint(follower.folder, 100)
  await writeCheckpoint(follower.folder, 200)
  await follower.poll()
  await follower.poll()
  await eventually(() => assert.deepEqual(follower.scored, [200]))
  const { folder, digest } = await writeCheckpoint(follower.folder, 300, { final: true })
  await follower.poll()
  await done
  assert.deepEqual(follower.scored, [200, 300])
  assert.deepEqual(
    follower.status.evaluations.map(({ step }) => step),
    [300, 200],
    'newest first',
  )
  assert.equal(follower.status.phase, 'waiting')
  const record = JSON.parse(await readFile(join(folder, FILES.evaluation), 'utf8'))
  assert.deepEqual(record, { step: 300, digest, metrics: { top1: 0.3 }, examples: 8 })
})

test('metrics show the last step, its scores and the number of evaluations', async () => {
  const follower = new Follower()
  await writeCheckpoint(follower.folder, 400, { final: true })
  await follower.start()
  const text = await follower.metrics.registry.metrics()
  assert.match(text, /downpour_evaluator_last_step 400/)
  assert.match(text, /downpour_evaluator_score\{metric="top1"\} 0\.4/)
  assert.match(text, /evaluations_total\{result="success"\} 1/)
  assert.match(text, /evaluation_duration_seconds_count 1/)
})

test('a checkpoint that is purged while it is read is skipped; the next one is scored', async () => {
  const follower = new Follower()
  const { folder } = await writeCheckpoint(follower.folder, 100)
  follower.score = async ({ manifest }) => {
    if (manifest.step > 100) return scoreOf(manifest.step)
    await rm(folder, { recursive: true })
    throw new Error('ENOENT')
  }
  const done = follower.start()
  assert.deepEqual(await follower.results(), { success: 0, purged: 1, refused: 0 })
  await writeCheckpoint(follower.folder, 200, { final: true })
  await follower.poll()
  await done
  assert.deepEqual(follower.scored, [100, 200])
})

test('a checkpoint that cannot be scored is tried three times, then skipped until a newer one exists', async () => {
  const follower = new Follower()
  await writeCheckpoint(follower.folder, 100)
  follower.score = async ({ manifest }) => {
    if (manifest.step === 100) throw new Error('torn')
    return scoreOf(manifest.step)
  }
  const done = follower.start()
  for (let i = 0; i < 6; i++) await follower.poll()
  assert.deepEqual(await follower.results(), { success: 0, purged: 0, refused: 3 })
  assert.deepEqual(follower.scored, [100, 100, 100])
  await writeCheckpoint(follower.folder, 200, { final: true })
  await follower.poll()
  await done
})

test('a final checkpoint that cannot be scored ends following with its error after three tries', async () => {
  const follower = new Follower()
  await writeCheckpoint(follower.folder, 100, { final: true })
  follower.score = async () => {
    throw new Error('torn')
  }
  const ended = assert.rejects(follower.start(), { message: 'torn' })
  await follower.poll()
  await follower.poll()
  await ended
  assert.equal(follower.scored.length, 3)
})

test('following ends successfully if the final checkpoint is scored at the second try', async () => {
  const follower = new Follower()
  await writeCheckpoint(follower.folder, 100, { final: true })
  follower.score = async ({ manifest }) => {
    if (follower.scored.length === 1) throw new Error('for a moment')
    return scoreOf(manifest.step)
  }
  const done = follower.start()
  await follower.poll()
  await done
  assert.deepEqual(follower.scored, [100, 100])
})

test('an abort ends waiting and scoring, and is not counted as a failed evaluation', async () => {
  const waiting = new Follower()
  const ended = assert.rejects(waiting.start(), { name: 'AbortError' })
  await eventually(() => assert.equal(waiting.clock.sleeping, 1))
  waiting.stop.abort()
  await ended

  const scoring = new Follower()
  await writeCheckpoint(scoring.folder, 100)
  scoring.score = async () => {
    scoring.stop.abort()
    throw new Error('whatever')
  }
  await assert.rejects(scoring.start(), { name: 'AbortError' })
  assert.match(await scoring.metrics.registry.metrics(), /evaluations_total\{result="refused"\} 0/)
})

test('a failed poll is repeated; a disk that keeps failing ends following', async (t) => {
  const follower = new Follower()
  const { folder } = await writeCheckpoint(follower.folder, 100, { final: true })
  const no = () => Promise.reject(Object.assign(new Error('ESTALE: gone'), { code: 'ESTALE' }))
  const fails = () => t.mock.method(follower.fs, 'readdir', no)
  const once = fails()
  const done = follower.start()
  for (let i = 0; i < 3; i++) await follower.poll()
  assert.deepEqual(follower.scored, [])
  once.mock.restore()
  await follower.poll()
  await done
  assert.deepEqual(follower.scored, [100])
  await rm(folder, { recursive: true })

  const other = new Follower()
  t.mock.method(other.fs, 'readdir', no)
  const ended = assert.rejects(other.start(), { code: 'CHECKPOINT_UNREADABLE' })
  for (let i = 0; i < 120; i++) await other.clock.advance(500)
  await ended
})

test('an unchanged manifest is read once', async () => {
  const follower = new Follower()
  await writeCheckpoint(follower.folder, 100)
  let reads = 0
  const readFile: FileSystem['readFile'] = ((path: string, options: never) => {
    if (path.endsWith(FILES.manifest)) reads++
    return realFileSystem.readFile(path, options)
  }) as FileSystem['readFile']
  follower.fs.readFile = readFile
  const done = follower.start()
  for (let i = 0; i < 5; i++) await follower.poll()
  await eventually(() => assert.equal(follower.clock.sleeping, 1))
  assert.equal(reads, 1)
  await writeCheckpoint(follower.folder, 200, { final: true })
  await follower.poll()
  await done
  assert.equal(reads, 2)
})

test('a score counts even if its checkpoint was purged or its folder is not writable', async () => {
  const follower = new Follower()
  const { folder } = await writeCheckpoint(follower.folder, 100)
  follower.score = async ({ manifest }) => {
    if (manifest.step === 100) await rm(folder, { recursive: true })
    else follower.fs.open = () => Promise.reject(Object.assign(new Error('EROFS'), { code: 'EROFS' }))
    return scoreOf(manifest.step)
  }
  const done = follower.start()
  await eventually(() => assert.equal(follower.status.evaluations.length, 1))
  await writeCheckpoint(follower.folder, 200, { final: true })
  await follower.poll()
  await done
  assert.deepEqual(
    follower.status.evaluations.map(({ step, metrics }) => [step, metrics.top1]),
    [
      [200, 0.2],
      [100, 0.1],
    ],
  )
  const { values } = await follower.metrics.evaluations.get()
  assert.deepEqual(Object.fromEntries(values.map(({ labels, value }) => [String(labels.result), value])), {
    success: 2,
    purged: 0,
    refused: 0,
  })
})
