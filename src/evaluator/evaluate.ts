/** Scores one checkpoint on the evaluation set. B batch, H W pixels, C channels. */
import { loadCheckpoint, loadClasses } from '../checkpoint/load.ts'
import type { Class } from '../contract/classes.ts'
import type { Score } from '../contract/files.ts'
import type { RuntimeConfig } from '../contract/runtime.ts'
import type { Dataset } from '../data/dataset.ts'
import type { Label } from '../data/labels.ts'
import type { Batch } from '../input/batch.ts'
import { evaluationBatches } from '../input/batches.ts'
import { CorruptionCount } from '../input/corruption-count.ts'
import { createExampleReader } from '../input/examples.ts'
import { weightValues } from '../models/weights.ts'
import { DownpourError } from '../support/errors.ts'
import { silentLog } from '../support/log.ts'
import { classesOf } from '../tasks/declarations.ts'
import { createInput } from '../tasks/registry.ts'
import type { Task } from '../tasks/task.ts'
import type { EvaluationSet } from './evaluation-set.ts'
import { createInference, type Inference } from './inference.ts'
import { PictureChoice, type RankedPicture } from './picture-choice.ts'
import { sampled } from './selection.ts'
import { Tally } from './tally.ts'

export interface EvaluateOptions {
  folder: string
  /** Digest of the listed checkpoint; evaluation fails if the folder holds another one by now. */
  digest: string
  config: Pick<RuntimeConfig, 'evaluation' | 'task'>
  set: Pick<EvaluationSet, 'dataset' | 'where' | 'selection'>
  task: Task
  /** Of the task, for callers that score several checkpoints; absent: one that is used once. */
  inference?: Inference
  signal: AbortSignal
  /** Pictures that are decoded at the same time; one for each CPU when absent. */
  decoders?: number | undefined
  /** Counts damaged images; absent: only limits them. */
  corruption?: CorruptionCount
  /** Called with the worst, median and best pictures, if the task sketches any, before the score is returned. */
  onPictures?: (pictures: readonly RankedPicture[], labels: readonly Label[]) => Promise<void>
  /** Called with what the task predicts for each batch. @param labels those that predictions refer to */
  onPredictions?: (
    predictions: readonly unknown[],
    batch: Pick<Batch<unknown>, 'targets' | 'ids'>,
    labels: readonly Label[],
  ) => Promise<void>
  /** Called after each batch, and at the end, with the number of images read so far: some have no sample, some have several. */
  onProgress?: (examples: number) => void
}

/**
 * Scores all chosen images, and in the same pass those that are not excluded.
 * @throws DownpourError CHECKPOINT_…, DATA_…, LABEL…; AbortError between two batches
 */
export async function evaluateCheckpoint(options: EvaluateOptions): Promise<Score> {
  const { folder, digest, set, task, signal, onPredictions, onPictures, onProgress } = options
  const { manifest, variables } = await loadCheckpoint(folder, { expectDigest: digest })
  const classes = (await loadClasses(folder, manifest))?.classes
  const weights = weightValues(task.variables, variables, folder)
  const dataset = datasetOf(options, classes)
  const { labels } = dataset.labels
  const tally = new Tally(() => task.scorer(labels), set.selection.excluded)
  const choice = task.sketch && onPictures && new PictureChoice()
  const inference = options.inference ?? createInference(task, { graph: 'auto', log: silentLog })
  let read = 0
  try {
    inference.load(weights)
    for await (const batch of await batchesOf(options, dataset, () => read++)) {
      signal.throwIfAborted()
      const predictions = task.decode(await inference.outputs(batch), batch.targets)
      tally.add(predictions, batch)
      await onPredictions?.(predictions, batch, labels)
      if (choice) sketchBatch(task, predictions, batch, choice)
      onProgress?.(read)
    }
    onProgress?.(read)
  } finally {
    if (inference !== options.inference) inference.dispose()
  }
  const score = tally.result(set.where)
  if (choice) await onPictures?.(choice.result(), labels)
  return score
}

function sketchBatch(
  task: Task,
  predictions: readonly unknown[],
  { targets, ids }: Batch<unknown>,
  choice: PictureChoice,
): void {
  predictions.forEach((prediction, i) => {
    const sketches = task.sketch?.(prediction, targets[i])
    if (sketches) choice.add(ids[i] as string, sketches)
  })
}

/** The evaluation set with the classes of the checkpoint. */
function datasetOf({ config, set }: EvaluateOptions, classes: readonly Class[] | undefined): Dataset<unknown> {
  return classes ? set.dataset.withClasses(classes) : atMost(classesOf(config.task), set)
}

async function batchesOf(
  { config, set, corruption, decoders }: EvaluateOptions,
  dataset: Dataset<unknown>,
  onExample: () => void,
) {
  const { evaluation } = config
  if (!evaluation) throw new RangeError('the job has no evaluation')
  const { data, batchSize } = evaluation
  const pipeline = await scoringInput(config, { ...set, dataset })
  const damage = corruption ?? new CorruptionCount(data.maxCorruptRecords)
  const reader = createExampleReader(sampled(dataset, set.selection), pipeline.decode, damage, { decoders })
  return evaluationBatches(reader, pipeline, batchSize, onExample)
}

/**
 * The pipeline of the evaluation set. It reads the files that spec.input names.
 * @throws DownpourError CONFIG_INVALID; the task's own codes for data that it cannot score
 */
export function scoringInput(
  { task, evaluation }: EvaluateOptions['config'],
  { dataset, where }: Pick<EvaluationSet, 'dataset' | 'where'>,
) {
  const images = evaluation?.data.subset ? undefined : imagesOf(dataset)
  return createInput(task, { labels: dataset.labels.labels, folder: where, scored: { images } })
}

function imagesOf({ ids, units }: Dataset<unknown>): ReadonlySet<string> | undefined {
  return ids && new Set(Array.from(units.keys(), ids).flat())
}

/** A checkpoint without a list of classes is scored by the label numbers of the set, so the model needs an output for each. @throws DownpourError LABELS_TOO_MANY */
function atMost(outputs: number | undefined, { dataset, where }: EvaluateOptions['set']): Dataset<unknown> {
  const labels = dataset.labels.size
  if (outputs === undefined || labels <= outputs) return dataset
  const message = `${where}: the evaluation set has ${labels} labels, spec.task.classes is ${outputs}`
  throw new DownpourError('LABELS_TOO_MANY', message, { labels })
}
