/** `downpour evaluate --checkpoint … --predictions-out FILE`: what the checkpoint finds, as a COCO results file. */
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Label } from '../../data/labels.ts'
import { recordIdOf } from '../../data/records/object-record.ts'
import type { EvaluateOptions } from '../../evaluator/evaluate.ts'
import { assertFree, writeOutput } from '../../interchange/output.ts'
import { DownpourError } from '../../support/errors.ts'
import type { ResultRow, Task } from '../../tasks/task.ts'

type OnPredictions = NonNullable<EvaluateOptions['onPredictions']>

/** Before anything is computed. @throws DownpourError OPTION_UNUSED: a task without such a file; OUTPUT_EXISTS, OUTPUT_UNUSABLE */
export async function checkResultsFile(path: string | undefined, type: string, task: Task): Promise<void> {
  if (path === undefined) return
  if (!task.results) throw new DownpourError('OPTION_UNUSED', `--predictions-out: task ${type} has no results file`)
  await assertFree(path)
}

/**
 * Calls `work` with a function that it gives all predictions to. The file appears when `work` has ended.
 * @param labels of the data: results have their categories
 * @throws DownpourError OUTPUT_EXISTS, OUTPUT_UNUSABLE; what `work` throws
 */
export async function withResultsFile<R>(
  path: string,
  task: Task,
  labels: readonly Label[],
  work: (onPredictions: OnPredictions) => Promise<R>,
): Promise<R> {
  const done = Promise.withResolvers<R>()
  await writeOutput(path, async (folder) => {
    const written = join(folder, 'results.json')
    const file = await open(written, 'wx')
    try {
      await file.write('[')
      done.resolve(await work(writerOf(file, task, labels)))
      await file.write('\n]\n')
      await file.sync()
    } finally {
      await file.close()
    }
    return written
  })
  return done.promise
}

/** A row a line. Writing waits for the disk, so that a large set needs no memory. */
function writerOf(file: FileHandle, task: Task, own: readonly Label[]): OnPredictions {
  const categoryByName = new Map(own.map((label) => [label.name.normalize('NFC'), recordIdOf(label)]))
  let rows = 0
  return async (predictions, { targets, ids }, labels) => {
    const lines = predictions.flatMap((prediction, i) =>
      (task.results?.(prediction, targets[i]) ?? []).flatMap((row) => {
        const category = categoryByName.get(labels[row.label]?.name.normalize('NFC') ?? '')
        // A class of the model that the data lacks has no id there.
        return category === undefined ? [] : [lineOf(row, ids[i] as string, category)]
      }),
    )
    const text = lines.map((line) => `${rows++ === 0 ? '' : ','}\n${line}`).join('')
    if (text !== '') await file.write(text)
  }
}

/** Formats whose images have names instead of numbers get names. */
function lineOf({ bbox, keypoints, score }: ResultRow, id: string, category: number): string {
  const image = String(Number(id)) === id ? Number(id) : id
  return JSON.stringify({
    image_id: image,
    category_id: category,
    ...(bbox && { bbox }),
    ...(keypoints && { keypoints }),
    score,
  })
}
