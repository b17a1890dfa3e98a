import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { type FileSystem, realFileSystem } from '../../../src/checkpoint/file-system.ts'
import type { ListedCheckpoint } from '../../../src/checkpoint/list.ts'
import { type EvaluationRecord, FILES, parseEvaluation, type Score } from '../../../src/contract/files.ts'
import type { EvaluatorStatus } from '../../../src/contract/status.ts'
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
  folder = join(inside(root), 'job')
  readonly clock = new FakeClock()
  readonly metrics = createEvaluatorMetrics()
  readonly status: EvaluatorStatus = { role: 'evaluator', index: 0, phase: 'waiting', evaluations: [], failure: null }
  readonly scored: number[] = []
  readonly fs: FileSystem = { ...realFileSystem }
  readonly stop = new AbortController()
  settings = 'one set'
  score: (checkpoint: ListedCheckpoint) => Promise<Score> = async ({ manifest }) => scoreOf(manifest.step)

  start(): Promise<void> {
    const score = (checkpoint: ListedCheckpoint) => {
      this.scored.push(checkpoint.manifest.step)
      return this.score(checkpoint)
    }
    const { folder: jobFolder, clock, metrics, status, fs } = this
    const { signal } = this.stop
    return followCheckpoints({
      jobFolder,
      settings: this.settings,
      score,
      status,
      metrics,
      clock,
      fs,
      signal,
      log: silentLog,
    })
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

async function linesOf({ folder }: Follower): Promise<EvaluationRecord[]> {
  const text = await readFile(join(folder, FILES.evaluations), 'utf8')
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

const scoreOf = (step: number): Score => ({ metrics: { top1: step / 1000 }, examples: 8 })

test('checkpoints are scored once, in order of step, and following ends after the final one', async () => {
  const follower = new Follower()
  const done = follower.start()
  await follower.poll()
  await writeCheckpoint(follower.folder, 200)
  await writeCheckpoint(follower.folder, 100)
  await follower.poll()
  await follower.poll()
  await eventually(() => assert.deepEqual(follower.scored, [100, 200]))
  const { folder, digest } = await writeCheckpoint(follower.folder, 300, { final: true })
  await follower.poll()
  await done
  assert.deepEqual(follower.scored, [100, 200, 300])
  assert.deepEqual(
    follower.status.evaluations.map(({ step }) => step),
    [300, 200, 100],
    'newest first',
  )
  assert.equal(follower.status.phase, 'waiting')
  const record = JSON.parse(await readFile(join(folder, FILES.evaluation), 'utf8'))
  const scored = { step: 300, digest, metrics: { top1: 0.3 }, examples: 8 }
  assert.deepEqual(record, { ...scored, settings: follower.settings })
  const lines = await linesOf(follower)
  assert.deepEqual(lines.at(-1), scored)
  assert.deepEqual(
    lines.map(({ step }) => step),
    [100, 200, 300],
  )
})

test('the final checkpoint is scored last, after all that wait', async () => {
  const follower = new Follower()
  for (const step of [100, 200, 300]) await writeCheckpoint(follower.folder, step)
  await writeCheckpoint(follower.folder, 400, { final: true })
  await follower.start()
  assert.deepEqual(follower.scored, [100, 200, 300, 400])
})

test('checkpoints that appear while another one is scored are scored, too', async () => {
  const follower = new Follower()
  await writeCheckpoint(follower.folder, 100)
  follower.score = async ({ manifest: { step } }) => {
    if (step < 500) await writeCheckpoint(follower.folder, step + 100, { final: step === 400 })
    return scoreOf(step)
  }
  await follower.start()
  assert.deepEqual(follower.scored, [100, 200, 300, 400, 500])
})

test('the checkpoint that is scored is marked for retention, and no other', async () => {
  const follower = new Follower()
  const folders = await Promise.all([100, 200].map((step) => writeCheckpoint(follower.folder, step)))
  const { folder: last } = await writeCheckpoint(follower.folder, 300, { final: true })
  const all = [...folders.map(({ folder }) => folder), last]
  const isMarked = () => all.map((folder) => existsSync(join(folder, FILES.evaluating)))
  const seen: boolean[][] = []
  follower.score = async ({ manifest: { step } }) => {
    seen.push(isMarked())
    if (step === 200 && seen.length === 2) throw new Error('for a moment')
    return scoreOf(step)
  }
  const done = follower.start()
  await follower.poll()
  await done
  const [first, second, third] = [
    [true, false, false],
    [false, true, false],
    [false, false, true],
  ]
  assert.deepEqual(seen, [first, second, second, third])
  assert.deepEqual(isMarked(), [false, false, false])
})

/** The evaluator as another process that finds what an earlier one has written. */
function restarted(before: Follower): Follower {
  const follower = new Follower()
  follower.folder = before.folder
  follower.settings = before.settings
  return follower
}

test('a restarted evaluator reports the scores of the former one, and scores the others alone', async () => {
  const first = new Follower()
  await writeCheckpoint(first.folder, 100)
  await writeCheckpoint(first.folder, 200)
  first.score = async ({ manifest: { step } }) => {
    if (step === 200) first.stop.abort()
    first.stop.signal.throwIfAborted()
    return { ...scoreOf(step), reduced: scoreOf(step / 2) }
  }
  await assert.rejects(first.start(), { name: 'AbortError' })
  await writeCheckpoint(first.folder, 300, { final: true })
  const second = restarted(first)
  await second.start()
  assert.deepEqual(second.scored, [200, 300])
  const { digest, ...found } = second.status.evaluations.at(-1) as EvaluationRecord
  assert.deepEqual(found, { step: 100, ...scoreOf(100), reduced: scoreOf(50) }, 'without the digest of the settings')
  const third = restarted(first)
  await third.start()
  assert.deepEqual(third.scored, [], 'all is scored')
  assert.deepEqual(
    third.status.evaluations.map(({ step }) => step),
    [300, 200, 100],
  )
})

test('scores of other settings, of another digest and damaged ones are computed again', async () => {
  const first = new Follower()
  await writeCheckpoint(first.folder, 100)
  const { folder: torn } = await writeCheckpoint(first.folder, 200)
  const { folder: moved } = await writeCheckpoint(first.folder, 300, { final: true })
  await first.start()
  await writeFile(join(torn, FILES.evaluation), '{"step":200,"dig')
  await writeFile(join(moved, FILES.evaluation), JSON.stringify({ step: 300, digest: 'x', metrics: {}, examples: 1 }))
  const second = restarted(first)
  await second.start()
  assert.deepEqual(second.scored, [200, 300])
  const third = restarted(first)
  third.settings = 'another set'
  await third.start()
  assert.deepEqual(third.scored, [100, 200, 300])
})

test('a score that a full disk refuses is written when there is space', async () => {
  const follower = new Follower()
  const { folder } = await writeCheckpoint(follower.folder, 100)
  const { open } = follower.fs
  follower.fs.open = (() => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }))) as typeof open
  const done = follower.start()
  await follower.poll()
  assert.deepEqual(follower.scored, [100])
  assert.ok(!existsSync(join(folder, FILES.evaluation)))
  follower.fs.open = open
  await follower.poll()
  await eventually(() => assert.ok(existsSync(join(folder, FILES.evaluation))))
  await writeCheckpoint(follower.folder, 200, { final: true })
  await follower.poll()
  await done
  assert.deepEqual(follower.scored, [100, 200], 'it was not scored again')
})

test('the list of all scores survives a line that a crash cut short', async () => {
  const follower = new Follower()
  await mkdir(follower.folder, { recursive: true })
  await writeFile(join(follower.folder, FILES.evaluations), '{"step":50,"dig')
  await writeCheckpoint(follower.folder, 100)
  await writeCheckpoint(follower.folder, 200, { final: true })
  await follower.start()
  const text = await readFile(join(follower.folder, FILES.evaluations), 'utf8')
  const steps = text.split('\n').flatMap((line) => parseEvaluation(line)?.step ?? [])
  assert.deepEqual(steps, [100, 200])
})

test('metrics show the last step, its scores and the number of evaluations', async () => {
  const follower = new Follower()
  await writeCheckpoint(follower.folder, 400, { final: true })
  follower.score = async () => ({ ...scoreOf(400), reduced: scoreOf(200) })
  await follower.start()
  const text = await follower.metrics.registry.metrics()
  assert.match(text, /downpour_evaluator_last_step 400/)
  assert.match(text, /downpour_evaluator_score\{metric="top1"\} 0\.4/)
  assert.match(text, /downpour_evaluator_reduced_score\{metric="top1"\} 0\.2/)
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

test('a checkpoint that cannot be scored is tried three times, then passed over', async () => {
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
  // A follower that finds the last checkpoint before it sleeps ends without another poll.
  await eventually(() => assert.equal(follower.clock.sleeping, 1))
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
