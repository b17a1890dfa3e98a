/** Presets of a FinetuneJob that finds objects. The large ones have the paper's numbers (paper.md §2.2, §2.3, §2.7). */
import { mini, type Recipe } from './recipe.ts'

const full = {
  model: { backbone: 'resnet101' },
  input: { shortSidePixels: 600, longSidePixels: 1024, padToPixels: 128, flip: true },
  optimizer: { type: 'momentum', momentum: 0.9 },
  batchSize: 1,
  weightDecay: 0,
  batchNorm: { decay: 0.997, epsilon: 1e-5, mode: 'frozen' },
  gradientClipNorm: 10,
  parameterServer: { replicas: 11 },
  workers: { replicas: 9 },
} as const satisfies Recipe

/** Objects of 14 to 30 pixels in pictures of 64 need smaller anchors and fewer of everything (ours). */
const miniTask = {
  classes: 10,
  anchorBase: 32,
  anchorScales: [0.5, 0.75, 1],
  anchorRatios: [0.5, 1, 2],
  borderAnchors: 'kept',
  proposerChannels: 64,
  proposerSamples: 64,
  candidates: 300,
  proposals: 50,
  cropSize: 7,
  cropPool: 1,
  boxSamples: 16,
  // After few steps several boxes of one object overlap by less than .6.
  detectionIou: 0.4,
} as const

const small = {
  ...mini,
  input: { shortSidePixels: 64, longSidePixels: 64, padToPixels: 64, flip: true },
  optimizer: { type: 'momentum', momentum: 0.9 },
  // Batch norm is trained, unlike in the paper's recipe: the statistics of jft-mini's single objects fit these pictures less,
  // and with frozen ones a rate of .05 was too high.
  learningRate: { type: 'poly', initial: 0.05, power: 0.9, warmupSteps: 20 },
  batchSize: 4,
  weightDecay: 0,
  gradientClipNorm: 10,
  maxSteps: 400,
  workers: { replicas: 1 },
} as const satisfies Recipe

export const DETECTION_RECIPES = {
  'coco-detection': {
    ...full,
    task: { type: 'coco-detection', classes: 80 },
    learningRate: { type: 'piecewise', boundaries: [2_500_000], values: [4e-4, 4e-5] },
    maxSteps: 3_000_000,
  },
  'voc07-detection': {
    ...full,
    task: { type: 'voc-detection', classes: 20 },
    learningRate: { type: 'piecewise', boundaries: [500_000], values: [3e-4, 3e-5] },
    maxSteps: 700_000,
  },
  'coco-detection-mini': { ...small, task: { type: 'coco-detection', ...miniTask } },
  'voc-detection-mini': { ...small, task: { type: 'voc-detection', ...miniTask } },
} satisfies Readonly<Record<string, Recipe>>
