/** Presets of a PretrainJob. The numbers of `jft-*` and `imagenet-*` are from paper.md §1 and §2.7; those of `*-mini` are our own. */
import { imagenet, mini, paper, type Recipe } from './recipe.ts'

const jft: Recipe = {
  ...paper,
  task: { type: 'multi-label', classes: 18_291, headSlices: 50 },
  optimizer: { type: 'rmsprop', decay: 0.9, momentum: 0.9, epsilon: 1e-10 },
  learningRate: { type: 'exponential', initial: 1e-3, factor: 0.9, everySteps: 3_000_000, staircase: true },
  maxSteps: 36_000_000,
}

export const PRETRAIN_RECIPES = {
  'jft-resnet101': jft,
  'jft-resnet50': { ...jft, model: { backbone: 'resnet50' } },
  'jft-resnet152': { ...jft, model: { backbone: 'resnet152' } },
  'imagenet-baseline': { ...imagenet, task: { type: 'imagenet-classification', classes: 1000 } },
  'jft-mini': {
    ...mini,
    task: { type: 'multi-label', classes: 144 },
    optimizer: { type: 'rmsprop', decay: 0.9, momentum: 0.9, epsilon: 1e-10 },
    // Two workers push gradients of weights that are one update old, which a low rate and a warm-up tolerate better.
    learningRate: { type: 'poly', initial: 1e-3, power: 1, warmupSteps: 100 },
    // RMSProp moves weights by the rate whatever their gradients are, so weights before batch norm grow, and fine-tuning at
    // its own rate then hardly changes them. More weight decay than mini's keeps them small.
    weightDecay: 1e-3,
    workers: { replicas: 2 },
  },
  'object-count-mini': {
    ...mini,
    task: { type: 'object-count' },
    optimizer: { type: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    learningRate: { type: 'exponential', initial: 2e-3, factor: 0.5, everySteps: 300, staircase: false },
    workers: { replicas: 2 },
  },
} satisfies Readonly<Record<string, Recipe>>
