/** The evaluation set. The evaluator opens it at its start, so that a wrong path fails the job before the training is over. */
import { join } from 'node:path'
import { type Class, MAX_CLASSES_BYTES, parseClasses } from '../contract/classes.ts'
import type { RuntimeConfig } from '../contract/runtime.ts'
import type { ClassLabels, Dataset } from '../data/dataset.ts'
import { logMissingClasses } from '../data/match-classes.ts'
import { readRegular } from '../data/regular-file.ts'
import { logPassedOver } from '../data/scan/log-passed-over.ts'
import { isMissing } from '../data/unreadable.ts'
import { CorruptionCount } from '../input/corruption-count.ts'
import { openChecked } from '../input/open-checked.ts'
import { DownpourError, errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'

export interface EvaluationSet {
  /** The folder, for messages. */
  readonly where: string
  /** Opened once for all checkpoints. `withClasses` maps its labels to the classes of one checkpoint. */
  readonly dataset: Dataset<ClassLabels>
  /** Logs once which classes of the job the set lacks. @throws DownpourError CLASS_UNKNOWN, HIERARCHY_DIFFERS */
  compare(classes: readonly Class[]): void
}

/** @throws DownpourError DATA_…, LABELS_…: the message names the field and the folder */
export async function openEvaluationSet(
  folder: string,
  { evaluation }: Pick<RuntimeConfig, 'evaluation'>,
  log: Log,
): Promise<EvaluationSet> {
  if (!evaluation) throw new RangeError('the job has no evaluation')
  const { data, maxExamples = Number.POSITIVE_INFINITY } = evaluation
  const corruption = new CorruptionCount(data.maxCorruptRecords)
  const dataset = await openChecked(folder, data, maxExamples, corruption).catch((error) => {
    throw withField(error)
  })
  logPassedOver(dataset.passedOver, log)
  const where = join(folder, data.path)
  return {
    where,
    dataset,
    compare(classes) {
      try {
        logMissingClasses(dataset.labels.labels, classes, where, log)
      } catch (error) {
        throw withField(error)
      }
    },
  }
}

/**
 * Compares the classes of the set with those of the running job as soon as the job has published them, which it does
 * before its first checkpoint. An unreadable file only skips this early check, because each checkpoint has its own list.
 */
export function compareOnce(set: EvaluationSet, classesFile: string, log: Log): () => Promise<void> {
  let isDone = false
  let hasWarned = false
  const warnOnce = (error: unknown) => {
    if (!hasWarned) log.warn({ reason: errorMessage(error) }, 'the list of classes cannot be read now')
    hasWarned = true
  }
  return async () => {
    if (isDone) return
    const classes = await publishedClasses(classesFile).catch(warnOnce)
    if (!classes) return
    set.compare(classes)
    isDone = true
  }
}

/** @returns undefined while the job has not published a list */
async function publishedClasses(path: string): Promise<Class[] | undefined> {
  try {
    return parseClasses(await readRegular(path, MAX_CLASSES_BYTES), path)
  } catch (error) {
    if (error instanceof Error && isMissing(error.cause)) return undefined
    throw error
  }
}

function withField(error: unknown): unknown {
  if (!(error instanceof DownpourError)) return error
  return new DownpourError(error.code, `spec.evaluation.data: ${error.message}`, { ...error.details }, { cause: error })
}
