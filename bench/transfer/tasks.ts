/** The five tasks of the comparison, on the small worlds of `downpour data make`. */

/** Fields of spec.data beside the claim. */
type Data = Readonly<Record<string, string>>

export interface TransferTask {
  readonly name: string
  readonly preset: string
  readonly metric: string
  readonly steps: number
  readonly dataKind: string
  readonly train: Data
  readonly val: Data
  /** What pre-training must give at least, in the unit of the metric. */
  readonly minGain: number
  /** Where the score of the pre-trained job must end, so that the task is neither too hard nor solved. */
  readonly range?: readonly [low: number, high: number]
  /** A frozen backbone must not be better than fine-tuning. */
  readonly mustBeatFrozen: boolean
  /** Of a step on 2 cores with WebAssembly, scoring included: for the estimate alone. */
  readonly stepSeconds: number
}

const coco = (prefix: string, set: string): Data => ({
  format: 'coco',
  annotations: `annotations/${prefix}_${set}.json`,
  images: `images/${set}`,
})
const voc = (kind: string, set: string): Data => ({ format: 'voc', imageSet: `${kind}/${set}` })
const MIN_GAIN = 0.15

export const TASKS: readonly TransferTask[] = [
  {
    name: 'classification',
    preset: 'downstream-mini',
    metric: 'top1',
    steps: 150,
    dataKind: 'jft-mini',
    train: { format: 'imagenet-folder', path: 'downstream/train' },
    val: { format: 'imagenet-folder', path: 'downstream/val' },
    minGain: MIN_GAIN,
    range: [0.8, 0.95],
    mustBeatFrozen: false,
    stepSeconds: 0.15,
  },
  {
    name: 'coco-detection',
    preset: 'coco-detection-mini',
    metric: 'AP@.5',
    steps: 250,
    dataKind: 'coco-mini',
    train: coco('instances', 'train'),
    val: coco('instances', 'val'),
    minGain: MIN_GAIN,
    mustBeatFrozen: true,
    stepSeconds: 0.15,
  },
  {
    name: 'voc-detection',
    preset: 'voc-detection-mini',
    metric: 'mAP@.5',
    steps: 250,
    dataKind: 'voc-mini',
    train: voc('Main', 'train'),
    val: voc('Main', 'val'),
    minGain: MIN_GAIN,
    mustBeatFrozen: true,
    stepSeconds: 0.15,
  },
  {
    name: 'voc-segmentation',
    preset: 'voc-segmentation-mini',
    metric: 'mIOU',
    steps: 200,
    dataKind: 'voc-mini',
    train: voc('Segmentation', 'train'),
    val: voc('Segmentation', 'val'),
    minGain: MIN_GAIN,
    mustBeatFrozen: false,
    stepSeconds: 0.2,
  },
  {
    name: 'coco-pose',
    preset: 'coco-pose-mini',
    metric: 'AP',
    steps: 400,
    dataKind: 'pose-mini',
    train: coco('person_keypoints', 'train'),
    val: coco('person_keypoints', 'val'),
    minGain: MIN_GAIN,
    mustBeatFrozen: true,
    stepSeconds: 0.2,
  },
]
