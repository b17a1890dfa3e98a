/** Scores the newest checkpoint of a job whenever it has no score yet, and returns after the final one. */
import { join } from 'node:path'
import { commitFile } from '../checkpoint/commit.ts'
import type { FileSystem } from '../checkpoint/file-system.ts'
import { type ListedCheckpoint, listCheckpoints } from '../checkpoint/list.ts'
import { ManifestCache } from '../checkpoint/manifest-cache.ts'
import { type EvaluationRecord, FILES } from '../contract/files.ts'
import type { EvaluatorStatus } from '../contract/status.ts'
import type { EvaluatorMetrics } from '../metrics/evaluator.ts'
import type { Clock } from '../support/clock.ts'
import { errorCode, errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import type { Score } from './evaluate.ts'

export interface FollowOptions {
  jobFolder: string
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
const MAX_EVALUATIONS = 20
/** 30 seconds in which the folder cannot be read. */
const MAX_FAILED_POLLS = 60

/**
 * Returns when the final checkpoint has a score.
 * @throws errors of `beforePoll`; the error of the third failed attempt on the final checkpoint; CHECKPOINT_UNREADABLE; AbortError
 */
export async function followCheckpoints(options: FollowOptions): Promise<void> {
  const { clock, signal, status } = options
  const tries = new Map<string, number>()
  const poll = pollNewest(options)
  for (;;) {
    await options.beforePoll?.()
    const newest = await poll()
    if (newest && !isScored(newest, status) && (tries.get(newest.digest) ?? 0) < MAX_TRIES) {
      const nth = (tries.get(newest.digest) ?? 0) + 1
      tries.set(newest.digest, nth)
      await scoreOne(options, newest, nth === MAX_TRIES)
    }
    if (newest?.manifest.final && isScored(newest, status)) return
    await clock.sleep(POLL_MS, signal)
  }
}

/** @returns a function for the newest checkpoint. It returns undefined while the folder cannot be read, and then throws. */
function pollNewest({ jobFolder, fs, log }: FollowOptions): () => Promise<ListedCheckpoint | undefined> {
  const cache = new ManifestCache()
  let failed = 0
  return async () => {
    try {
      const { checkpoints } = await listCheckpoints(jobFolder, fs, cache)
      failed = 0
      return checkpoints.at(-1)
    } catch (error) {
      if (++failed >= MAX_FAILED_POLLS) throw error
      if (failed === 1) log.warn({ reason: errorMessage(error) }, 'checkpoints cannot be listed; trying again')
      return undefined
    }
  }
}

function isScored({ digest }: ListedCheckpoint, status: EvaluatorStatus): boolean {
  return status.evaluations.some((evaluation) => evaluation.digest === digest)
}

async function scoreOne(options: FollowOptions, checkpoint: ListedCheckpoint, isLastTry: boolean): Promise<void> {
  const { signal, status, metrics, log } = options
  status.phase = 'evaluating'
  try {
    await scoreAndRecord(options, checkpoint)
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

/** Reports the score before writing it, because retention may have purged the folder, or the disk may be full. */
async function scoreAndRecord(options: FollowOptions, checkpoint: ListedCheckpoint): Promise<void> {
  const { score, status, metrics, log } = options
  const { manifest, digest } = checkpoint
  const end = metrics.seconds.startTimer()
  const scored = await score(checkpoint)
  const record: EvaluationRecord = { step: manifest.step, digest, ...scored }
  status.evaluations = [record, ...status.evaluations].slice(0, MAX_EVALUATIONS)
  const seconds = end()
  metrics.step.set(manifest.step)
  for (const [metric, value] of Object.entries(scored.metrics)) metrics.score.set({ metric }, value)
  log.info({ ...record, seconds }, 'checkpoint scored')
  await writeRecord(record, checkpoint, options)
}

async function writeRecord(
  record: EvaluationRecord,
  { folder }: ListedCheckpoint,
  options: FollowOptions,
): Promise<void> {
  const { fs, log } = options
  try {
    await commitFile(join(folder, FILES.evaluation), [Buffer.from(JSON.stringify(record))], fs)
  } catch (error) {
    log.warn(
      { folder, code: errorCode(error), reason: errorMessage(error) },
      'score reported, but not written to the folder of its checkpoint',
    )
  }
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
