/** The type of a preset, and what the presets of several tasks share. */
import type { z } from 'zod'
import type { trainingAuthoredFields } from '../common.ts'
import type { InputSpec, TaskSpec } from '../task.ts'

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
    | 'gradientClipNorm'
    | 'maxSteps'
    | 'parameterServer'
    | 'workers'
  >
>

/** What the paper's two pre-training jobs share (paper.md §2.7). */
export const paper = {
  model: { backbone: 'resnet101' },
  input: { resizePixels: 340, cropPixels: 299, flip: true },
  batchSize: 32,
  weightDecay: 1e-4,
  batchNorm: { decay: 0.997, epsilon: 1e-5 },
  parameterServer: { replicas: 17 },
  workers: { replicas: 50 },
} as const satisfies Recipe

/** The paper's recipe for ImageNet, for which that of JFT-300M is not optimal (paper.md §1.7). */
export const imagenet: Recipe = {
  ...paper,
  optimizer: { type: 'momentum', momentum: 0.9 },
  learningRate: {
    type: 'piecewise',
    boundaries: [1_200_000, 2_400_000, 3_600_000, 4_800_000],
    values: [0.1, 0.01, 1e-3, 1e-4, 1e-5],
  },
  maxSteps: 5_000_000,
}

/** What jobs on small generated data share. */
export const mini: Recipe = {
  model: { backbone: 'resnet-mini' },
  input: { resizePixels: 36, cropPixels: 32, flip: true },
  batchSize: 32,
  weightDecay: 1e-4,
  batchNorm: { decay: 0.95, epsilon: 1e-5 },
  parameterServer: { replicas: 1 },
}
