/** The evaluation set, opened when the evaluator starts: a wrong path must not be found when the training is over. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Class, parseClasses } from '../contract/classes.ts'
import type { RuntimeConfig } from '../contract/runtime.ts'
import { tellMissingClasses } from '../data/job-classes.ts'
import { dataFacts } from '../data/loader.ts'
import { tellPassedOver } from '../data/scan/tell.ts'
import { isMissing } from '../data/unreadable.ts'
import { DownpourError } from '../support/errors.ts'
import type { Log } from '../support/log.ts'

export interface EvaluationSet {
  /** Says once which classes of the job are missing. @throws DownpourError CLASS_UNKNOWN, HIERARCHY_DIFFERS */
  compare(classes: readonly Class[]): void
}

/** @throws DownpourError DATA_…, LABELS_…: the message names the field and the folder */
export async function openEvaluationSet(
  folder: string,
  { evaluation, model }: Pick<RuntimeConfig, 'evaluation' | 'model'>,
  log: Log,
): Promise<EvaluationSet> {
  if (!evaluation) throw new RangeError('the job has no evaluation')
  const { labels, passedOver } = await dataFacts(folder, evaluation.data).catch((error) => {
    throw named(error)
  })
  tellPassedOver(passedOver, log)
  if (labels.length > model.classes) {
    const message = `spec.evaluation.data: the evaluation set has ${labels.length} labels, spec.model.classes is ${model.classes}`
    throw new DownpourError('LABELS_TOO_MANY', message, { labels: labels.length })
  }
  const where = join(folder, evaluation.data.path)
  return {
    compare(classes) {
      try {
        tellMissingClasses(labels, classes, where, log)
      } catch (error) {
        throw named(error)
      }
    },
  }
}

/** Holds the set against the list of the running job as soon as that is there, which is before the first checkpoint. */
export function compareOnce(set: EvaluationSet, classesFile: string): () => Promise<void> {
  let isDone = false
  return async () => {
    if (isDone) return
    const bytes = await readFile(classesFile).catch((error) => {
      if (isMissing(error)) return undefined
      throw error
    })
    if (!bytes) return
    set.compare(parseClasses(bytes, classesFile))
    isDone = true
  }
}

function named(error: unknown): unknown {
  if (!(error instanceof DownpourError)) return error
  return new DownpourError(error.code, `spec.evaluation.data: ${error.message}`, { ...error.details }, { cause: error })
}
