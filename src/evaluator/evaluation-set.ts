/** The evaluation set. The evaluator opens it at its start, so that a wrong path fails the job before the training is over. */
import { join } from 'node:path'
import { type Class, MAX_CLASSES_BYTES, parseClasses } from '../contract/classes.ts'
import type { RuntimeConfig, TaskConfig } from '../contract/runtime.ts'
import type { Dataset } from '../data/dataset.ts'
import { logMissingClasses } from '../data/match-classes.ts'
import { readRegular } from '../data/regular-file.ts'
import { logPassedOver } from '../data/scan/log-passed-over.ts'
import { isMissing } from '../data/unreadable.ts'
import { CorruptionCount } from '../input/corruption-count.ts'
import { openChecked } from '../input/open-checked.ts'
import { sha256Of } from '../support/digest.ts'
import { DownpourError, errorCode, errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import { declarationOf } from '../tasks/declarations.ts'
import { readExcludedIds } from './excluded-ids.ts'
import { type Selection, selectExamples } from './selection.ts'

export interface EvaluationSet {
  /** The folder, for messages. */
  readonly where: string
  /** Opened once for all checkpoints. `withClasses` maps its labels to the classes of one checkpoint. */
  readonly dataset: Dataset<unknown>
  /** Drawn once, so that all checkpoints are scored on the same examples. */
  readonly selection: Selection
  /** Logs once which classes of the job the set lacks. @throws DownpourError CLASS_UNKNOWN, HIERARCHY_DIFFERS */
  compare(classes: readonly Class[]): void
}

/** @returns a digest of all that determines a score besides the checkpoint */
export function settingsOf(
  { task, seed, evaluation }: Pick<RuntimeConfig, 'task' | 'seed' | 'evaluation'>,
  { selection }: Pick<EvaluationSet, 'selection'>,
): string {
  const { data, maxExamples } = evaluation ?? {}
  const excluded = selection.excluded && [...selection.excluded].sort()
  return sha256Of(JSON.stringify({ task, data, maxExamples, ...(maxExamples && { seed }), excluded }))
}

/** What messages call the two settings: fields of a job, or options of `downpour evaluate`. */
export interface SettingNames {
  readonly data: string
  readonly exclude: string
}

export const FIELDS: SettingNames = { data: 'spec.evaluation.data', exclude: 'spec.evaluation.exclude' }

/** @throws DownpourError DATA_…, LABELS_…: the message names the field and the folder; AbortError */
export async function openEvaluationSet(
  folder: string,
  { task, evaluation, seed }: { task: Pick<TaskConfig, 'type'> } & Pick<RuntimeConfig, 'evaluation' | 'seed'>,
  log: Log,
  { signal = new AbortController().signal, names = FIELDS } = {},
): Promise<EvaluationSet> {
  if (!evaluation) throw new RangeError('the job has no evaluation')
  const { data, maxExamples, exclude } = evaluation
  const corruption = new CorruptionCount(data.maxCorruptRecords)
  const where = join(folder, data.path)
  const { annotates } = declarationOf(task.type)
  const dataset = await naming(names.data, openChecked(folder, data, annotates, Number.POSITIVE_INFINITY, corruption))
  logPassedOver(dataset.passedOver, log)
  const list = exclude === undefined ? undefined : join(where, exclude)
  const excluded = list === undefined ? undefined : await naming(names.exclude, readExcludedIds(list))
  const chosen = { dataset, maxExamples, seed, excluded, corruption, signal, log }
  const selection = await selectExamples(chosen).catch((error) => {
    const isOfList = errorCode(error).startsWith('DATA_EXCLUDE_')
    throw withName(isOfList ? `${names.exclude}: ${list}` : names.data, error)
  })
  return {
    where,
    dataset,
    selection,
    compare(classes) {
      try {
        logMissingClasses(dataset.labels.labels, classes, where, log)
      } catch (error) {
        throw withName(names.data, error)
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

/** Puts the name of the setting before the message of an error. */
export function naming<T>(setting: string, work: Promise<T>): Promise<T> {
  return work.catch((error) => {
    throw withName(setting, error)
  })
}

function withName(setting: string, error: unknown): unknown {
  if (!(error instanceof DownpourError)) return error
  return new DownpourError(error.code, `${setting}: ${error.message}`, { ...error.details }, { cause: error })
}
