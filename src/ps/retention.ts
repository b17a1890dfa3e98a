/** Which checkpoints stay: the newest, the best-scored, the pinned. The manifest goes first, so none is half there. */
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
  /** The evaluator's score of exactly these bytes; undefined: none yet. */
  score: number | undefined
}

export interface RetentionRule {
  /** What scores are values of; undefined: nothing scores the checkpoints. */
  metric: MetricSpec | undefined
  keep: number
  keepBest: number
  /** Steps that somebody needs: never purged. */
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

/** The scored ones, the best first; of equals the newer. */
function byScore(checkpoints: readonly ScoredCheckpoint[], metric: MetricSpec): ScoredCheckpoint[] {
  const compare = bestFirst(metric)
  return checkpoints
    .flatMap(({ score, ...checkpoint }) => (score === undefined ? [] : [{ ...checkpoint, score }]))
    .sort((a, b) => compare(a.score, b.score) || b.manifest.step - a.manifest.step)
}

/** Newest last, with scores as far as the evaluator has written them. */
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

/** Missing, or a folder in its place. */
const NO_SCORE = new Set(['ENOENT', 'NOT_A_FILE'])

/** @throws DownpourError CHECKPOINT_UNREADABLE: one that looked unscored for a moment might be purged for it */
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

/** Folders that a crash or a failed round left without a manifest: they are no checkpoints. @returns their names */
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
