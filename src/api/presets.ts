/** Presets as data. The numbers of `jft-*` and `imagenet-*` are from paper.md §1 and §2.7; those of `*-mini` are our own. */
import type { z } from 'zod'
import type { trainingAuthoredFields } from './common.ts'
import type { InputSpec, TaskSpec } from './task.ts'

type TrainingInput = z.input<z.ZodObject<typeof trainingAuthoredFields>>

/** The part of a spec that a preset may fill. */
export type Recipe = Partial<
  Pick<
    TrainingInput & { task: TaskSpec; input: InputSpec },
    | 'task'
    | 'input'
    | 'model'
    | 'optimizer'
    | 'learningRate'
    | 'batchSize'
    | 'weightDecay'
    | 'batchNorm'
    | 'maxSteps'
    | 'parameterServer'
    | 'workers'
  >
>

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
} as const

/** What the paper's two pre-training jobs share (paper.md §2.7). */
const paper = {
  model: { backbone: 'resnet101' },
  input: { resizePixels: 340, cropPixels: 299, flip: true },
  batchSize: 32,
  weightDecay: 1e-4,
  batchNorm: { decay: 0.997, epsilon: 1e-5 },
  parameterServer: { replicas: 17 },
  workers: { replicas: 50 },
} as const satisfies Recipe

const jft: Recipe = {
  ...paper,
  task: { type: 'multi-label', classes: 18_291, headSlices: 50 },
  optimizer: { type: 'rmsprop', decay: 0.9, momentum: 0.9, epsilon: 1e-10 },
  learningRate: { type: 'exponential', initial: 1e-3, factor: 0.9, everySteps: 3_000_000, staircase: true },
  maxSteps: 36_000_000,
}

const imagenet: Recipe = {
  ...paper,
  optimizer: { type: 'momentum', momentum: 0.9 },
  learningRate: {
    type: 'piecewise',
    boundaries: [1_200_000, 2_400_000, 3_600_000, 4_800_000],
    values: [0.1, 0.01, 1e-3, 1e-4, 1e-5],
  },
  maxSteps: 5_000_000,
}

const mini: Recipe = {
  model: { backbone: 'resnet-mini' },
  input: { resizePixels: 36, cropPixels: 32, flip: true },
  batchSize: 32,
  weightDecay: 1e-4,
  batchNorm: { decay: 0.95, epsilon: 1e-5 },
  parameterServer: { replicas: 1 },
}

export const PRETRAIN_RECIPES = {
  'jft-resnet101': jft,
  'jft-resnet50': { ...jft, model: { backbone: 'resnet50' } },
  'jft-resnet152': { ...jft, model: { backbone: 'resnet152' } },
  'imagenet-baseline': { ...imagenet, task: { type: 'multi-label', classes: 1000 } },
  'jft-mini': {
    ...mini,
    task: { type: 'multi-label', classes: 121 },
    optimizer: { type: 'rmsprop', decay: 0.9, momentum: 0.9, epsilon: 1e-10 },
    learningRate: { type: 'exponential', initial: 2e-3, factor: 0.5, everySteps: 600, staircase: false },
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

/** The paper's learning rate and length of fine-tuning on ImageNet are not known (paper.md §2.1). We use a tenth of the rate and a third of the steps. */
export const FINETUNE_RECIPES = {
  'imagenet-finetune': {
    ...imagenet,
    task: { type: 'imagenet-classification', classes: 1000 },
    learningRate: { type: 'piecewise', boundaries: [400_000, 800_000, 1_200_000], values: [1e-2, 1e-3, 1e-4, 1e-5] },
    maxSteps: 1_666_667,
    workers: { replicas: 9 },
    parameterServer: { replicas: 11 },
  },
  'downstream-mini': {
    ...mini,
    task: { type: 'imagenet-classification', classes: 20 },
    optimizer: { type: 'momentum', momentum: 0.9 },
    learningRate: { type: 'constant', initial: 0.02 },
    workers: { replicas: 1 },
  },
} satisfies Readonly<Record<string, Recipe>>

export function presetNames<R extends object>(recipes: R): (keyof R & string)[] {
  return Object.keys(recipes) as (keyof R & string)[]
}
