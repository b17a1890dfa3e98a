/** What `downpour evaluate` can score: one entry per kind of official result file. */
import { VOC_CLASSES } from '../../data/voc/folder.ts'
import { scoreBoxes, scoreKeypoints } from './coco.ts'
import { scoreVocDetection, scoreVocSegmentation } from './voc.ts'

export interface EvaluateOptions {
  readonly groundTruth: string
  readonly predictions: string
  readonly imageSet?: string
  readonly year?: '2007' | '2012'
  readonly onBytes?: (bytes: number) => void
}

export interface Scores {
  /** The first is the headline. -1: no object of the range is in the ground truth. */
  readonly summary: Readonly<Record<string, number>>
  /** The headline of each category. */
  readonly byCategory: Readonly<Record<string, number>>
  readonly images: number
}

export interface Evaluation {
  readonly description: string
  readonly groundTruth: string
  readonly predictions: string
  /** Options besides the two paths. */
  readonly takes: readonly ('imageSet' | 'year')[]
  readonly score: (options: EvaluateOptions) => Promise<Scores>
}

export const EVALUATIONS = {
  'coco-detection': {
    description: 'the 12 numbers of COCO boxes',
    groundTruth: 'instances_*.json',
    predictions: 'a results file: [{ image_id, category_id, bbox, score }]',
    takes: [],
    score: scoreBoxes,
  },
  'coco-keypoints': {
    description: 'the 10 numbers of COCO keypoints',
    groundTruth: 'person_keypoints_*.json',
    predictions: 'a results file: [{ image_id, category_id, keypoints, score }]',
    takes: [],
    score: scoreKeypoints,
  },
  'voc-detection': {
    description: 'mAP of VOC boxes',
    groundTruth: 'a folder such as VOCdevkit/VOC2007',
    predictions: 'the folder of comp4_det_SET_CLASS.txt',
    takes: ['imageSet', 'year'],
    score: ({ year = '2007', imageSet = 'test', ...files }) =>
      scoreVocDetection({ ...files, imageSet }, year === '2007' ? '11-point' : 'area'),
  },
  'voc-segmentation': {
    description: 'mean IoU of VOC masks',
    groundTruth: 'a folder such as VOCdevkit/VOC2012',
    predictions: 'a folder of IMAGE.png with class indices',
    takes: ['imageSet'],
    score: ({ imageSet = 'val', ...files }) => scoreVocSegmentation({ ...files, imageSet }, VOC_CLASSES),
  },
} as const satisfies Record<string, Evaluation>

export type EvaluationName = keyof typeof EVALUATIONS
