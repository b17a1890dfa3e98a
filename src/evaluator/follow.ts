/** Scores every checkpoint of a job once, in order of step, and returns after the final one. */
import { join } from 'node:path'
import type { FileSystem } from '../checkpoint/file-system.ts'
import { type ListedCheckpoint, listCheckpoints } from '../checkpoint/list.ts'
import { ManifestCache } from '../checkpoint/manifest-cache.ts'
import { type EvaluationRecord, FILES, type Score } from '../contract/files.ts'
import type { EvaluatorStatus } from '../contract/status.ts'
import type { EvaluatorMetrics } from '../metrics/evaluator.ts'
import type { Clock } from '../support/clock.ts'
import { errorCode, errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import { Scorebook } from './scorebook.ts'

export interface FollowOptions {
  jobFolder: string
  /** Digest of what determines a score besides the checkpoint. */
  settings: string
  /** Called before each poll of the folder. An error that it throws ends the evaluator. */
  beforePoll?: () => Promise<void>
  score: (checkpoint: ListedCheckpoint) => Promise<Score>
  status: EvaluatorStatus
  metrics: EvaluatorMetrics
  clock: Clock
  fs: FileSystem
  signal: AbortSignal
  log: Log
}

const POLL_MS = 500
const MAX_TRIES = 3
/** 30 seconds in which the folder cannot be read. */
const MAX_FAILED_POLLS = 60

/**
 * Returns when the final checkpoint has a score.
 * @throws errors of `beforePoll`; the error of the third failed attempt on the final checkpoint; CHECKPOINT_UNREADABLE; AbortError
 */
export async function followCheckpoints(options: FollowOptions): Promise<void> {
  const { clock, signal } = options
  const book = new Scorebook(options)
  const tries = new Map<string, number>()
  const poll = pollCheckpoints(options)
  for (;;) {
    await options.beforePoll?.()
    const checkpoints = await poll()
    if (!checkpoints) {
      await clock.sleep(POLL_MS, signal)
      continue
    }
    await book.synchronize(checkpoints)
    const isDue = (one: ListedCheckpoint) => !book.has(one) && (tries.get(one.digest) ?? 0) < MAX_TRIES
    const next = checkpoints.find(isDue)
    if (next) {
      const nth = (tries.get(next.digest) ?? 0) + 1
      tries.set(next.digest, nth)
      await scoreOne(options, book, next, nth === MAX_TRIES)
    }
    const newest = checkpoints.at(-1)
    if (newest?.manifest.final && book.has(newest) && !checkpoints.some(isDue)) return
    if (!next || !book.has(next)) await clock.sleep(POLL_MS, signal)
  }
}

/** @returns a function that lists the checkpoints, newest last. It returns undefined while the folder cannot be read, and then throws. */
function pollCheckpoints({ jobFolder, fs, log }: FollowOptions): () => Promise<ListedCheckpoint[] | undefined> {
  const cache = new ManifestCache()
  let failed = 0
  return async () => {
    try {
      const { checkpoints } = await listCheckpoints(jobFolder, fs, cache)
      failed = 0
      return checkpoints
    } catch (error) {
      if (++failed >= MAX_FAILED_POLLS) throw error
      if (failed === 1) log.warn({ reason: errorMessage(error) }, 'checkpoints cannot be listed; trying again')
      return undefined
    }
  }
}

async function scoreOne(
  options: FollowOptions,
  book: Scorebook,
  checkpoint: ListedCheckpoint,
  isLastTry: boolean,
): Promise<void> {
  const { signal, status, metrics, log } = options
  status.phase = 'evaluating'
  try {
    await marked(options, checkpoint, () => scoreAndRecord(options, book, checkpoint))
    metrics.evaluations.inc({ result: 'success' })
  } catch (error) {
    signal.throwIfAborted()
    const result = (await isPurged(options, checkpoint)) ? 'purged' : 'refused'
    metrics.evaluations.inc({ result })
    const facts = { checkpoint: checkpoint.name, code: errorCode(error), reason: errorMessage(error) }
    log.warn({ ...facts, result }, 'checkpoint not scored')
    if (checkpoint.manifest.final && isLastTry) throw error
  } finally {
    status.phase = 'waiting'
  }
}

/**
 * Marks the checkpoint for retention while `work` runs. Without the mark, which a full or read-only disk refuses, the
 * checkpoint may be purged before its score is written, which is logged then.
 */
async function marked(
  { fs, log }: FollowOptions,
  { folder }: ListedCheckpoint,
  work: () => Promise<void>,
): Promise<void> {
  const path = join(folder, FILES.evaluating)
  try {
    await (await fs.open(path, 'w')).close()
  } catch (error) {
    log.debug({ path, reason: errorMessage(error) }, 'checkpoint not marked')
  }
  try {
    await work()
  } finally {
    await fs.unlink(path).catch((error) => log.debug({ path, reason: errorMessage(error) }, 'mark not removed'))
  }
}

async function scoreAndRecord(options: FollowOptions, book: Scorebook, checkpoint: ListedCheckpoint): Promise<void> {
  const { score, metrics, log } = options
  const { manifest, digest } = checkpoint
  const end = metrics.seconds.startTimer()
  const scored = await score(checkpoint)
  const record: EvaluationRecord = { step: manifest.step, digest, ...scored }
  const seconds = end()
  metrics.step.set(manifest.step)
  for (const [metric, value] of Object.entries(scored.metrics)) metrics.score.set({ metric }, value)
  for (const [metric, value] of Object.entries(scored.reduced?.metrics ?? {}))
    metrics.reducedScore.set({ metric }, value)
  log.info({ ...record, seconds }, 'checkpoint scored')
  await book.add(record, checkpoint)
}

/** Whether retention removed the checkpoint during evaluation. This is not an error, because a newer checkpoint exists. */
async function isPurged({ jobFolder, fs }: FollowOptions, { digest }: ListedCheckpoint): Promise<boolean> {
  try {
    const { checkpoints } = await listCheckpoints(jobFolder, fs)
    return checkpoints.every((other) => other.digest !== digest)
  } catch {
    return false
  }
}
