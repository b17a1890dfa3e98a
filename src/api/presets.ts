/** Presets as data: each one fills fields that a job leaves out. A file of `presets/` holds those of one kind of task. */
import { CLASSIFICATION_RECIPES } from './presets/classification.ts'
import { DETECTION_RECIPES } from './presets/detection.ts'
import { POSE_RECIPES } from './presets/pose.ts'
import { SEGMENTATION_RECIPES } from './presets/segmentation.ts'

export { PRETRAIN_RECIPES } from './presets/pretrain.ts'
export type { Recipe } from './presets/recipe.ts'

export const FINETUNE_RECIPES = {
  ...CLASSIFICATION_RECIPES,
  ...SEGMENTATION_RECIPES,
  ...POSE_RECIPES,
  ...DETECTION_RECIPES,
}

/** Values of fields that neither the author nor the preset sets. */
export const BASE_DEFAULTS = {
  model: { backbone: 'resnet101' },
  input: {},
  optimizer: { type: 'momentum', momentum: 0.9 },
  learningRate: { type: 'constant', initial: 0.01 },
  batchSize: 32,
  weightDecay: 1e-4,
  batchNorm: { decay: 0.997, epsilon: 1e-5 },
  seed: 0,
  async: {},
  parameterServer: { replicas: 1 },
  workers: { replicas: 1 },
  evaluator: {},
  runtime: {},
  checkpoint: {},
  maxNonFinite: 10,
  metrics: {},
} as const

export function presetNames<R extends object>(recipes: R): (keyof R & string)[] {
  return Object.keys(recipes) as (keyof R & string)[]
}
