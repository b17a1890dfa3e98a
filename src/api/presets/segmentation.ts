/** Presets of a FinetuneJob that segments pictures. */
import { mini, paper, type Recipe } from './recipe.ts'

export const SEGMENTATION_RECIPES = {
  /** The paper's schedule is not known; this is DeepLab-v2's (paper.md §2.4). */
  'voc12-segmentation': {
    ...paper,
    task: { type: 'voc-segmentation', classes: 21 },
    input: { maxSidePixels: 513, cropPixels: 321, minScale: 0.5, maxScale: 1.5, flip: true },
    optimizer: { type: 'momentum', momentum: 0.9 },
    learningRate: { type: 'poly', initial: 2.5e-4, power: 0.9 },
    batchSize: 10,
    weightDecay: 5e-4,
    batchNorm: { ...paper.batchNorm, mode: 'frozen' },
    maxSteps: 20_000,
    workers: { replicas: 1 },
    parameterServer: { replicas: 1 },
  },
  'voc-segmentation-mini': {
    ...mini,
    task: {
      type: 'voc-segmentation',
      classes: 11,
      outputStride: 4,
      rates: [1, 2, 4, 6],
      weightsMultiplier: 1,
      biasMultiplier: 1,
    },
    input: { maxSidePixels: 65, cropPixels: 65, minScale: 0.5, maxScale: 1.5, flip: true },
    optimizer: { type: 'momentum', momentum: 0.9 },
    learningRate: { type: 'poly', initial: 0.02, power: 0.9, warmupSteps: 20 },
    batchSize: 8,
    weightDecay: 5e-4,
    maxSteps: 200,
    workers: { replicas: 1 },
  },
} satisfies Readonly<Record<string, Recipe>>
