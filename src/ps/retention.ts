/** Purges checkpoints other than the newest, the best and the pinned. Removes the manifest first, so that no partial checkpoint remains. */
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
  /** The evaluator's score of this digest; undefined: none yet. */
  score: number | undefined
}

export interface RetentionRule {
  /** The metric of the scores; undefined: the job has no evaluation. */
  metric: MetricSpec | undefined
  keep: number
  keepBest: number
  /** Steps that are never purged. */
  pinned: ReadonlySet<number>
}

/** Pure: newest `keep`, best `keepBest` of the scored, and the pinned. `checkpoints`: newest last. */
export function chooseKept(checkpoints: readonly ScoredCheckpoint[], rule: RetentionRule): Set<number> {
  const stepOf = ({ manifest }: ScoredCheckpoint) => manifest.step
  const best = rule.metric ? byScore(checkpoints, rule.metric).slice(0, rule.keepBest) : []
  const finals = checkpoints.filter(({ manifest }) => manifest.final)
  const kept = [...checkpoints.slice(-rule.keep), ...best, ...finals]
  return new Set([...kept.map(stepOf), ...rule.pinned])
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
    checkpoints.map(async (checkpoint) => ({
      ...checkpoint,
      score: metric && (await scoreOf(checkpoint, metric.name, fs)),
    })),
  )
}

/** Error codes of a missing score file. */
const NO_SCORE = new Set(['ENOENT', 'NOT_A_FILE'])

/** @throws DownpourError CHECKPOINT_UNREADABLE: without its score, a best checkpoint could be purged */
async function scoreOf(
  { folder, digest }: ListedCheckpoint,
  metric: string,
  fs: FileSystem,
): Promise<number | undefined> {
  const path = join(folder, FILES.evaluation)
  const text = await readSmallFile(path, MAX_EVALUATION_BYTES, fs).catch((error) => {
    if (!NO_SCORE.has(errorCode(error))) throw unreadable(path, error)
  })
  const record = text === undefined ? undefined : parseEvaluation(text.toString('utf8'))
  return record?.digest === digest ? record.metrics[metric] : undefined
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
  await fs.rm(folder, { recursive: true, force: true })
}
