/** Follows a job's checkpoints: the newest not yet scored is scored, the last one always, then the work is done. */
import { join } from 'node:path'
import { commitFile } from '../checkpoint/commit.ts'
import { type ListedCheckpoint, listCheckpoints } from '../checkpoint/list.ts'
import { type EvaluationRecord, FILES } from '../contract/files.ts'
import type { EvaluatorStatus } from '../contract/status.ts'
import type { EvaluatorMetrics } from '../metrics/evaluator.ts'
import type { Clock } from '../support/clock.ts'
import { errorCode, errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import type { Score } from './evaluate.ts'

export interface FollowOptions {
  jobFolder: string
  score: (checkpoint: ListedCheckpoint) => Promise<Score>
  status: EvaluatorStatus
  metrics: EvaluatorMetrics
  clock: Clock
  signal: AbortSignal
  log: Log
}

const POLL_MS = 500
const MAX_TRIES = 3
const REMEMBERED = 20

/**
 * Returns when the final checkpoint is scored.
 * @throws what scoring the final checkpoint threw, after three tries; AbortError
 */
export async function followCheckpoints(options: FollowOptions): Promise<void> {
  const { jobFolder, clock, signal, status } = options
  const tries = new Map<string, number>()
  for (;;) {
    const newest = await newestOf(jobFolder)
    if (newest && !isScored(newest, status) && (tries.get(newest.digest) ?? 0) < MAX_TRIES) {
      const nth = (tries.get(newest.digest) ?? 0) + 1
      tries.set(newest.digest, nth)
      await scoreOne(options, newest, nth === MAX_TRIES)
    }
    if (newest?.manifest.final && isScored(newest, status)) return
    await clock.sleep(POLL_MS, signal)
  }
}

async function newestOf(jobFolder: string): Promise<ListedCheckpoint | undefined> {
  return (await listCheckpoints(jobFolder)).checkpoints.at(-1)
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
    const result = (await isPurged(options.jobFolder, checkpoint)) ? 'purged' : 'refused'
    metrics.evaluations.inc({ result })
    const facts = { checkpoint: checkpoint.name, code: errorCode(error), reason: errorMessage(error) }
    log.warn({ ...facts, result }, 'checkpoint not scored')
    if (checkpoint.manifest.final && isLastTry) throw error
  } finally {
    status.phase = 'waiting'
  }
}

async function scoreAndRecord(
  { score, status, metrics, log }: FollowOptions,
  checkpoint: ListedCheckpoint,
): Promise<void> {
  const { manifest, digest, folder } = checkpoint
  const end = metrics.seconds.startTimer()
  const scored = await score(checkpoint)
  const record: EvaluationRecord = { step: manifest.step, digest, ...scored }
  await commitFile(join(folder, FILES.evaluation), [Buffer.from(JSON.stringify(record))])
  status.evaluations = [record, ...status.evaluations].slice(0, REMEMBERED)
  const seconds = end()
  metrics.step.set(manifest.step)
  for (const [metric, value] of Object.entries(scored.metrics)) metrics.score.set({ metric }, value)
  log.info({ ...record, seconds }, 'checkpoint scored')
}

/** Retention removed it while it was read: that is no fault of anybody's, and a newer one is there. */
async function isPurged(jobFolder: string, { digest }: ListedCheckpoint): Promise<boolean> {
  const { checkpoints } = await listCheckpoints(jobFolder)
  return checkpoints.every((other) => other.digest !== digest)
}
