/** `downpour evaluate --checkpoint DIR --data DIR`: scores a checkpoint alone, without a cluster. */
import { resolve } from 'node:path'
import { loadClasses } from '../../checkpoint/load.ts'
import type { Manifest } from '../../checkpoint/manifest.ts'
import { readManifest } from '../../checkpoint/read-manifest.ts'
import type { DataFormatName } from '../../contract/data-formats.ts'
import type { Score, SetScore } from '../../contract/files.ts'
import type { RuntimeConfig } from '../../contract/runtime.ts'
import { findSets } from '../../data/inspect/find-sets.ts'
import { checkScoring } from '../../evaluator/check-scoring.ts'
import { type EvaluateOptions, evaluateCheckpoint } from '../../evaluator/evaluate.ts'
import { type EvaluationSet, openEvaluationSet } from '../../evaluator/evaluation-set.ts'
import { CorruptionCount } from '../../input/corruption-count.ts'
import { cacheRoot } from '../../support/cache-root.mjs'
import { DownpourError, errorCode, errorMessage } from '../../support/errors.ts'
import { printableText } from '../../support/printable.ts'
import { classesOf, metricOf } from '../../tasks/declarations.ts'
import { selectBackend } from '../../tensor/backend.ts'
import { checkpointAt } from '../checkpoint-at.ts'
import { untilInterrupted } from '../interrupt.ts'
import type { CliIo } from '../io.ts'
import { table } from '../table.ts'
import type { CheckpointFlags } from './checkpoint-flags.ts'
import { type CheckpointModel, modelOf } from './checkpoint-model.ts'
import { imageProgress } from './image-progress.ts'
import { withPathsInData } from './paths-in-data.ts'
import { checkResultsFile, withResultsFile } from './results-file.ts'
import { warningLog } from './warning-log.ts'

interface Result extends Score {
  readonly checkpoint: { readonly folder: string; readonly step: number; readonly digest: string }
  readonly task: string
  readonly model: RuntimeConfig['model']
  readonly warnings: readonly string[]
}

type Evaluation = NonNullable<RuntimeConfig['evaluation']>

const NAMES = { data: '--data', exclude: '--exclude' }
const MAX_DAMAGED = 100
const DIGITS = 4
const DIGEST_CHARACTERS = 12

/**
 * Prints the scores to `out`, warnings and progress to `err`. @returns the exit code
 * @throws DownpourError CHECKPOINT_…, CONFIG_INVALID, DATA_…, LABELS_…, CLASS_UNKNOWN
 */
export async function scoreCheckpoint(
  flags: CheckpointFlags,
  { out, err }: Pick<CliIo, 'out' | 'err'>,
): Promise<number> {
  const work = async (signal: AbortSignal) => {
    const result = await resultOf(flags, err, signal)
    for (const warning of result.warnings) err.write(`downpour: warning: ${printableText(warning)}\n`)
    if (flags.json) out.write(`${JSON.stringify(result, null, 2)}\n`)
    else for (const line of linesOf(result)) out.write(`${printableText(line)}\n`)
    return 0
  }
  return untilInterrupted(work, () => err.write('stopped\n'))
}

async function resultOf(given: CheckpointFlags, err: CliIo['err'], signal: AbortSignal): Promise<Result> {
  const flags = await withPathsInData(given)
  const folder = await checkpointAt(flags.checkpoint)
  const { manifest, digest } = await readManifest(folder)
  const { config, task, warnings } = await modelOf(folder, manifest, flags)
  const log = warningLog()
  await checkResultsFile(flags.predictionsOut, config.task.type, task)
  const evaluation = await evaluationOf(flags, config)
  const seeded = { task: config.task, evaluation, seed: flags.seed ?? manifest.seed }
  const set = await openEvaluationSet(flags.data, seeded, log, { signal, names: NAMES })
  const matched = await matchClasses(folder, manifest, config, set)
  // Without anything to score, what is found can still be written.
  const scored = { task: config.task, evaluation }
  if (flags.predictionsOut === undefined) await checkScoring(scored, set, { signal, name: NAMES.data })
  await selectBackend('auto', log, cacheRoot(process.env))
  const corruption = new CorruptionCount(MAX_DAMAGED)
  const progress = imageProgress(err, set.selection.examples)
  const options = {
    ...{ folder, digest, config: scored, set, task, signal, corruption },
    onProgress: progress.show,
  }
  const { score, unscored } = await (flags.predictionsOut === undefined
    ? evaluateCheckpoint(options).then((score) => ({ score, unscored: [] }))
    : scoreAndWrite(flags.predictionsOut, options)
  ).finally(progress.end)
  const { count, first } = corruption
  const damaged = count > 0 ? [`damaged images were skipped: ${count}, the first: ${first}`] : []
  return {
    checkpoint: { folder, step: manifest.step, digest },
    task: config.task.type,
    model: config.model,
    ...score,
    warnings: [...warnings, ...log.warnings, ...matched, ...damaged, ...unscored],
  }
}

/**
 * Writes what is found, too. Pictures without objects cannot be scored, and what is found in them is written all the same.
 * @returns unscored: a warning if there is no score
 */
async function scoreAndWrite(
  path: string,
  options: EvaluateOptions,
): Promise<{ score: Score; unscored: readonly string[] }> {
  const { task, set, onProgress } = options
  let examples = 0
  const count = (scored: number) => {
    examples = scored
    onProgress?.(scored)
  }
  return withResultsFile(path, task, set.dataset.labels.labels, async (onPredictions) => {
    try {
      return { score: await evaluateCheckpoint({ ...options, onPredictions, onProgress: count }), unscored: [] }
    } catch (error) {
      if (errorCode(error) !== 'DATA_NO_OBJECTS') throw error
      return { score: { metrics: {}, examples }, unscored: [errorMessage(error)] }
    }
  })
}

async function evaluationOf(flags: CheckpointFlags, { task }: CheckpointModel['config']): Promise<Evaluation> {
  const { files, labels, annotations, images, imageSet, exclude, maxExamples, batchSize } = flags
  return {
    data: {
      path: '.',
      format: flags.format ?? (await detectFormat(flags.data)),
      ...(files !== undefined && { files }),
      ...(labels !== undefined && { labels }),
      ...(annotations !== undefined && { annotations }),
      ...(images !== undefined && { images }),
      ...(imageSet !== undefined && { imageSet }),
      maxCorruptRecords: MAX_DAMAGED,
    },
    metric: metricOf(task.type),
    batchSize,
    ...(maxExamples !== undefined && { maxExamples }),
    ...(exclude !== undefined && { exclude }),
  }
}

async function detectFormat(folder: string): Promise<DataFormatName> {
  const sets = await findSets(folder)
  const own = sets.find((one) => resolve(one.folder) === resolve(folder))
  if (own) return own.format
  const inside = sets.map((one) => one.folder).join(', ')
  throw new DownpourError('DATA_SEVERAL', `--data: ${folder}: is no data set itself; give one of ${inside}`, { folder })
}

/**
 * Classes are matched by name. Without names in the checkpoint, only a set of as many labels can be meant.
 * @returns warnings
 * @throws DownpourError CLASS_UNKNOWN, HIERARCHY_DIFFERS, CHECKPOINT_NO_CLASSES
 */
async function matchClasses(
  folder: string,
  manifest: Manifest,
  { task }: CheckpointModel['config'],
  set: EvaluationSet,
): Promise<string[]> {
  const stored = await loadClasses(folder, manifest)
  const outputs = classesOf(task)
  if (stored) set.compare(stored.classes)
  if (stored || outputs === undefined) return []
  const labels = set.dataset.labels.size
  if (labels === outputs)
    return [
      `the checkpoint has no list of classes: its ${outputs} outputs are taken for the labels of the data, in order`,
    ]
  const message = `${folder} has no list of classes and ${outputs} outputs, and the data has ${labels} labels: give --labels, a labels file with all ${outputs}`
  throw new DownpourError('CHECKPOINT_NO_CLASSES', message, { folder, outputs, labels })
}

function linesOf({ checkpoint, task, model, metrics, examples, reduced }: Result): string[] {
  const { folder, step, digest } = checkpoint
  const sets: SetScore[] = [{ metrics, examples }, ...(reduced ? [reduced] : [])]
  const names = [...new Set(sets.flatMap((one) => Object.keys(one.metrics)))]
  const rowOf = (name: string) => [name, ...sets.map((one) => one.metrics[name]?.toFixed(DIGITS) ?? 'not finite')]
  return [
    `${folder}: step ${step}, sha256:${digest.slice(0, DIGEST_CHARACTERS)}`,
    `${task}, ${model.backbone} (variant ${model.variant ?? 'slim'})`,
    ...table([
      ...(reduced ? [['', 'all', 'reduced']] : []),
      ...names.map(rowOf),
      ['images', ...sets.map((one) => String(one.examples))],
    ]),
  ]
}
