/** Scores predicted classes: ILSVRC's text files, and JSON lines for images with any number of labels. */
import { readClasses, readPredictions as readRows } from '../../data/classification/ilsvrc.ts'
import { type ImageId, readLabelsOfImages, readPredictions } from '../../data/classification/json-lines.ts'
import { type LabelMap, readLabels } from '../../data/labels.ts'
import { LabelScores } from '../../scores/label-scores.ts'
import { TopAccuracy } from '../../scores/top-k.ts'
import { DownpourError } from '../../support/errors.ts'
import { byteProgress, type OnProgress } from './progress.ts'
import type { Scores } from './scores.ts'

interface Files {
  readonly groundTruth: string
  readonly predictions: string
}

export async function scoreTopAccuracy({ groundTruth, predictions }: Files): Promise<Scores> {
  const truth = await readClasses(groundTruth)
  const rows = await readRows(predictions, truth.length)
  const accuracy = new TopAccuracy()
  truth.forEach((label, i) => {
    accuracy.add(rows[i] ?? [], label)
  })
  const byCategory = Object.fromEntries([...accuracy.byLabel()].map(([label, top1]) => [`class ${label}`, top1]))
  const empty = rows.filter((row) => row.length === 0).length
  return {
    summary: accuracy.result(),
    byCategory,
    images: truth.length,
    warnings:
      empty === 0
        ? []
        : [
            `${predictions}: ${empty} ${empty === 1 ? 'line is' : 'lines are'} empty: an image without a class counts as wrong`,
          ],
  }
}

/** @param labels path of labels.json; without it, no label has a parent */
export async function scoreLabels(
  { groundTruth, predictions }: Files,
  labels: string | undefined,
  onProgress: OnProgress | undefined,
): Promise<Scores> {
  const tree = labels === undefined ? undefined : await readLabels(labels)
  const onBytes = await byteProgress([groundTruth, predictions], onProgress)
  const options = { labels: tree?.size, onBytes }
  const images = await readLabelsOfImages(groundTruth, options)
  const right = (image: ImageId) => closed(images.get(image) ?? [], tree)
  const scores = new LabelScores(tree?.labels)
  const missing = new Set(images.keys())
  for await (const prediction of readPredictions(predictions, images, options)) {
    missing.delete(prediction.image)
    if (prediction.type === 'scores') scores.addScores(prediction.scores, right(prediction.image))
    else scores.addRanking(prediction.labels, right(prediction.image))
  }
  for (const image of missing) scores.addRanking([], right(image))
  const warnings = warningsOf(images, missing, { groundTruth, predictions })
  return { summary: scores.result(), byCategory: {}, images: images.size, warnings }
}

function closed(labels: readonly number[], tree: LabelMap | undefined): readonly number[] {
  return tree ? tree.close(labels) : labels
}

function warningsOf(
  images: ReadonlyMap<ImageId, readonly number[]>,
  missing: ReadonlySet<ImageId>,
  { groundTruth, predictions }: Files,
): string[] {
  if (images.size === 0) throw new DownpourError('JSON_LINES_INVALID', `${groundTruth}: no image`)
  const unlabelled = [...images.values()].filter((labels) => labels.length === 0).length
  const [first] = missing
  return [
    ...(missing.size === 0
      ? []
      : [
          `${predictions}: ${missing.size} of ${images.size} images, ${first} first, have no prediction and an average precision of 0`,
        ]),
    ...(unlabelled === 0 ? [] : [`${groundTruth}: ${unlabelled} images without labels are not scored`]),
  ]
}
