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

/** Returns when the final checkpoint is scored. @throws what the final checkpoint's scoring threw, after three tries; AbortError */
export async function followCheckpoints(options: FollowOptions): Promise<void> {
  const { jobFolder, clock, signal, status } = options
  const tries = new Map<string, number>()
  for (;;) {
    const { checkpoints } = await listCheckpoints(jobFolder)
    const newest = checkpoints.at(-1)
    if (newest && status.evaluations[0]?.digest !== newest.digest && (tries.get(newest.digest) ?? 0) < MAX_TRIES) {
      tries.set(newest.digest, (tries.get(newest.digest) ?? 0) + 1)
      await scoreOne(options, newest, (tries.get(newest.digest) ?? 0) >= MAX_TRIES)
    }
    if (newest?.manifest.final && status.evaluations[0]?.digest === newest.digest) return
    await clock.sleep(POLL_MS, signal)
  }
}

async function scoreOne(options: FollowOptions, checkpoint: ListedCheckpoint, isLastTry: boolean): Promise<void> {
  const { score, status, metrics, signal, log } = options
  const { manifest, digest, folder, name } = checkpoint
  const end = metrics.seconds.startTimer()
  status.phase = 'evaluating'
  try {
    const scored = await score(checkpoint)
    const record: EvaluationRecord = { step: manifest.step, digest, ...scored }
    await commitFile(join(folder, FILES.evaluation), [Buffer.from(JSON.stringify(record))])
    status.evaluations = [record, ...status.evaluations].slice(0, REMEMBERED)
    metrics.evaluations.inc({ result: 'success' })
    log.info({ ...record, seconds: end() }, 'checkpoint scored')
  } catch (error) {
    signal.throwIfAborted()
    metrics.evaluations.inc({ result: 'failure' })
    // Purged while it was read, perhaps: the next look at the folder tells.
    log.warn({ checkpoint: name, code: errorCode(error), reason: errorMessage(error) }, 'checkpoint not scored')
    if (manifest.final && isLastTry) throw error
  } finally {
    status.phase = 'waiting'
  }
}
