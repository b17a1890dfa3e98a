/** Presets of a FinetuneJob that finds the keypoints of persons. */
import { mini, paper, type Recipe } from './recipe.ts'

export const POSE_RECIPES = {
  // The base rate, the batch and the number of pods of the paper are not known; these are our own (paper.md §2.5).
  'coco-pose': {
    ...paper,
    task: { type: 'coco-pose', outputStride: 8, auxiliaryLoss: true },
    input: { cropHeightPixels: 353, cropWidthPixels: 257, diskRadiusPixels: 25, flip: true },
    optimizer: { type: 'momentum', momentum: 0.9 },
    learningRate: { type: 'piecewise', boundaries: [250_000], values: [5e-3, 5e-4] },
    maxSteps: 450_000,
    batchSize: 24,
    batchNorm: { ...paper.batchNorm, mode: 'frozen' },
    parameterServer: { replicas: 1 },
    workers: { replicas: 1 },
  },
  'coco-pose-mini': {
    ...mini,
    task: { type: 'coco-pose', outputStride: 4, auxiliaryLoss: false },
    // A mirrored person of pose-mini would have the left parts' texture on the parts that are right then.
    input: { cropHeightPixels: 64, cropWidthPixels: 48, diskRadiusPixels: 6, flip: false },
    optimizer: { type: 'momentum', momentum: 0.9 },
    // The heatmap loss is a mean over positions of which few are in a disk, so the rate is high. Without batch norm, weights
    // diverge at this rate unless gradients are clipped. At a rate of 1 the score after 400 steps depends on chance.
    learningRate: { type: 'poly', initial: 0.7, power: 0.9, warmupSteps: 50 },
    gradientClipNorm: 1,
    maxSteps: 400,
    batchSize: 8,
    workers: { replicas: 1 },
  },
} satisfies Readonly<Record<string, Recipe>>
