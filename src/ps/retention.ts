/**
 * Purges checkpoints other than the newest, the best, the pinned, and some that wait for the evaluator. Removes the
 * manifest first, so that no partial checkpoint remains.
 */
import { join } from 'node:path'
import { unreadable } from '../checkpoint/damage.ts'
import type { FileSystem } from '../checkpoint/file-system.ts'
import { type ListedCheckpoint, listCheckpoints } from '../checkpoint/list.ts'
import { MANIFEST_FILE } from '../checkpoint/manifest.ts'
import type { ManifestCache } from '../checkpoint/manifest-cache.ts'
import { readSmallFile } from '../checkpoint/small-file.ts'
import { FILES, MAX_EVALUATION_BYTES, parseEvaluation } from '../contract/files.ts'
import { bestFirst, type MetricSpec } from '../contract/metrics.ts'
import { errorCode } from '../support/errors.ts'

export interface ScoredCheckpoint extends ListedCheckpoint {
  /** The evaluator's score of this digest; undefined: none yet, or it is not finite. */
  score: number | undefined
  /** Whether the evaluator has scored this digest, is scoring it, or has not come to it. */
  evaluation: 'done' | 'running' | 'waiting'
}

export interface RetentionRule {
  /** The metric of the scores; undefined: the job has no evaluation. */
  metric: MetricSpec | undefined
  keep: number
  keepBest: number
  /** Checkpoints without a score that are kept in addition. */
  maxWaiting: number
  /** Steps that are never purged. */
  pinned: ReadonlySet<number>
}

/**
 * Pure: newest `keep`, best `keepBest` of the scored, the pinned, and of the others that have no score the `maxWaiting`
 * newest. `checkpoints`: newest last.
 */
export function chooseKept(checkpoints: readonly ScoredCheckpoint[], rule: RetentionRule): Set<number> {
  const best = rule.metric ? byScore(checkpoints, rule.metric).slice(0, rule.keepBest) : []
  const finals = checkpoints.filter(({ manifest }) => manifest.final)
  const byRule = [...checkpoints.slice(-rule.keep), ...best, ...finals].map(({ manifest }) => manifest.step)
  const kept = new Set([...byRule, ...rule.pinned])
  const others = rule.metric ? checkpoints.filter(({ manifest }) => !kept.has(manifest.step)) : []
  for (const { manifest } of waitingFirst(others).slice(0, rule.maxWaiting)) kept.add(manifest.step)
  return kept
}

/**
 * Checkpoints without a score: first the one that the evaluator reads now, or its score would never be known to
 * `keepBest`, then the newest.
 */
function waitingFirst(checkpoints: readonly ScoredCheckpoint[]): ScoredCheckpoint[] {
  const newestFirst = checkpoints.toReversed()
  const having = (state: ScoredCheckpoint['evaluation']) => newestFirst.filter(({ evaluation }) => evaluation === state)
  return [...having('running'), ...having('waiting')]
}

/** Checkpoints with a score, the best first; of equal ones the newer. */
function byScore(checkpoints: readonly ScoredCheckpoint[], metric: MetricSpec): ScoredCheckpoint[] {
  const compare = bestFirst(metric)
  return checkpoints
    .flatMap(({ score, ...checkpoint }) => (score === undefined ? [] : [{ ...checkpoint, score }]))
    .sort((a, b) => compare(a.score, b.score) || b.manifest.step - a.manifest.step)
}

/** Newest last, with the scores that the evaluator has written so far. */
export async function listScored(
  jobFolder: string,
  metric: MetricSpec | undefined,
  fs: FileSystem,
  cache: ManifestCache,
): Promise<ScoredCheckpoint[]> {
  const { checkpoints } = await listCheckpoints(jobFolder, fs, cache)
  return Promise.all(
    checkpoints.map(async (checkpoint) => ({ ...checkpoint, ...(await evaluationOf(checkpoint, metric, fs)) })),
  )
}

/** Error codes of a missing score file. */
const NO_SCORE = new Set(['ENOENT', 'NOT_A_FILE'])

/** @throws DownpourError CHECKPOINT_UNREADABLE: without its score, a best checkpoint could be purged */
async function evaluationOf(
  { folder, digest }: ListedCheckpoint,
  metric: MetricSpec | undefined,
  fs: FileSystem,
): Promise<Pick<ScoredCheckpoint, 'score' | 'evaluation'>> {
  if (!metric) return { score: undefined, evaluation: 'waiting' }
  const path = join(folder, FILES.evaluation)
  const text = await readSmallFile(path, MAX_EVALUATION_BYTES, fs).catch((error) => {
    if (!NO_SCORE.has(errorCode(error))) throw unreadable(path, error)
  })
  const record = text === undefined ? undefined : parseEvaluation(text.toString('utf8'))
  if (record?.digest === digest) return { score: record.metrics[metric.name], evaluation: 'done' }
  const isRunning = await fs.stat(join(folder, FILES.evaluating)).then(
    () => true,
    () => false,
  )
  return { score: undefined, evaluation: isRunning ? 'running' : 'waiting' }
}

export async function purge(
  jobFolder: string,
  checkpoints: readonly ListedCheckpoint[],
  fs: FileSystem,
): Promise<void> {
  for (const { name } of checkpoints) await removeFolder(join(jobFolder, name), fs)
}

/** Removes folders that a crash or a failed round left without a manifest. @returns their names */
export async function sweepLeftovers(jobFolder: string, fs: FileSystem): Promise<string[]> {
  const { refused } = await listCheckpoints(jobFolder, fs)
  const names = refused.filter(({ code }) => code === 'CHECKPOINT_NO_MANIFEST').map(({ name }) => name)
  for (const name of names) await removeFolder(join(jobFolder, name), fs)
  return names
}

export async function removeFolder(folder: string, fs: FileSystem): Promise<void> {
  await fs.unlink(join(folder, MANIFEST_FILE)).catch(() => {})
  // The evaluator may write its mark or its score into the folder at the same moment.
  await fs.rm(folder, { recursive: true, force: true, maxRetries: 3 })
}
