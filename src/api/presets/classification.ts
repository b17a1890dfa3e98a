/** Presets of a FinetuneJob that classifies images. */
import { imagenet, mini, type Recipe } from './recipe.ts'

/** The paper's learning rate and length of fine-tuning on ImageNet are not known (paper.md §2.1). We use a tenth of the rate and a third of the steps. */
export const CLASSIFICATION_RECIPES = {
  'imagenet-finetune': {
    ...imagenet,
    task: { type: 'imagenet-classification', classes: 1000 },
    learningRate: { type: 'piecewise', boundaries: [400_000, 800_000, 1_200_000], values: [1e-2, 1e-3, 1e-4, 1e-5] },
    maxSteps: 1_666_667,
  },
  'downstream-mini': {
    ...mini,
    task: { type: 'imagenet-classification', classes: 20 },
    optimizer: { type: 'momentum', momentum: 0.9 },
    learningRate: { type: 'poly', initial: 0.1, power: 0.9, warmupSteps: 20 },
    workers: { replicas: 1 },
  },
} satisfies Readonly<Record<string, Recipe>>
