/** What `downpour evaluate` can score: one entry per kind of official result file. */
import { VOC_CLASSES } from '../../data/voc/folder.ts'
import { scoreLabels, scoreTopAccuracy } from './classification.ts'
import { scoreBoxes, scoreKeypoints } from './coco.ts'
import type { PathKind } from './paths.ts'
import type { OnProgress } from './progress.ts'
import type { Scores } from './scores.ts'
import { scoreVocDetection, scoreVocSegmentation } from './voc.ts'

/** VOC's rules changed in 2010. */
export const YEARS = ['2007', '2008', '2009', '2010', '2011', '2012'] as const
const LAST_YEAR_OF_POINTS = '2009'

export interface EvaluateOptions {
  readonly groundTruth: string
  readonly predictions: string
  readonly imageSet?: string
  readonly year?: (typeof YEARS)[number]
  readonly sigmas?: readonly number[]
  readonly labels?: string
  readonly perCategory?: boolean
  readonly onProgress?: OnProgress
}

/** Options that only some tasks use. */
export type TaskOption = 'imageSet' | 'year' | 'sigmas' | 'labels' | 'perCategory'

export interface Evaluation {
  readonly description: string
  readonly groundTruth: readonly [kind: PathKind, description: string]
  readonly predictions: readonly [kind: PathKind, description: string]
  readonly takes: readonly TaskOption[]
  readonly score: (options: EvaluateOptions) => Promise<Scores>
}

export const EVALUATIONS = {
  'coco-detection': {
    description: 'the 12 numbers of COCO boxes',
    groundTruth: ['file', 'instances_*.json'],
    predictions: ['file', 'a results file: [{ image_id, category_id, bbox, score }]'],
    takes: ['perCategory'],
    score: scoreBoxes,
  },
  'coco-keypoints': {
    description: 'the 10 numbers of COCO keypoints',
    groundTruth: ['file', 'person_keypoints_*.json'],
    predictions: ['file', 'a results file: [{ image_id, category_id, keypoints, score }]'],
    takes: ['sigmas', 'perCategory'],
    score: ({ sigmas, ...files }) => scoreKeypoints(files, sigmas),
  },
  'voc-detection': {
    description: 'mAP of VOC boxes',
    groundTruth: ['folder', 'a folder such as VOCdevkit/VOC2007'],
    predictions: ['folder', 'the folder of comp4_det_SET_CLASS.txt'],
    takes: ['imageSet', 'year', 'perCategory'],
    score: ({ year = '2007', imageSet = 'test', ...files }) =>
      scoreVocDetection({ ...files, imageSet }, year <= LAST_YEAR_OF_POINTS ? '11-point' : 'area'),
  },
  'voc-segmentation': {
    description: 'mean IoU of VOC masks',
    groundTruth: ['folder', 'a folder such as VOCdevkit/VOC2012'],
    predictions: ['folder', 'a folder of IMAGE.png with class indices'],
    takes: ['imageSet', 'perCategory'],
    score: ({ imageSet = 'val', ...files }) => scoreVocSegmentation({ ...files, imageSet }, VOC_CLASSES),
  },
  'imagenet-classification': {
    description: 'top-1 and top-5 of ImageNet',
    groundTruth: ['file', 'a class a line: ILSVRC2012_validation_ground_truth.txt'],
    predictions: ['file', 'as many lines of up to five classes, the most likely first'],
    takes: ['perCategory'],
    score: scoreTopAccuracy,
  },
  'multi-label': {
    description: 'mAP@100 of labels, of leaves, and weighted by popularity',
    groundTruth: ['file', 'JSON lines: { image_id, labels }'],
    predictions: ['file', 'JSON lines: { image_id, scores }, or { image_id, labels } with the most likely first'],
    takes: ['labels'],
    score: ({ labels, onProgress, ...files }) => scoreLabels(files, labels, onProgress),
  },
} as const satisfies Record<string, Evaluation>

export type EvaluationName = keyof typeof EVALUATIONS
