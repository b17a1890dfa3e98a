/**
 * Rules between fields. Each has an equivalent in CEL for the CRD, so that `kubectl apply` and `downpour validate` refuse
 * the same jobs with the same messages; a test runs one table of cases through both.
 */
import type { JobKind } from '../contract/names.ts'
import { MAX_STEPS } from '../contract/training.ts'
import { cocoPose } from '../tasks/coco-pose/declaration.ts'
import { declarationsFor } from '../tasks/declarations.ts'
import { DetectionInput } from '../tasks/detection/options.ts'
import { SquareInput } from '../tasks/square-input.ts'
import { ASYNC_RULES } from './async-rules.ts'
import { filled, literal } from './filled.ts'
import { FORMAT_RULES } from './format-rules.ts'
import { FROM_RULES } from './from-rules.ts'
import { NETWORK_RULES } from './network-rules.ts'
import { PER_POD_RULES } from './per-pod-rules.ts'
import type { Rule } from './rule.ts'
import { TASK_RULES, taskType } from './task-rules.ts'

const SQUARE = SquareInput.parse({})
/** The other backbones have a stage more, as many as `freeze.stages` may be. */
const MINI_STAGES = 4
const DETECTION = DetectionInput.parse({})
const POSE = cocoPose.input.parse({})
const BOTH = ['PretrainJob', 'FinetuneJob'] as const
const PRETRAIN = ['PretrainJob'] as const
const FINETUNE = ['FinetuneJob'] as const

/** Tasks that resize to a square, as literals. */
function squareTasks(kind: JobKind): string {
  const square = declarationsFor(kind).filter(({ input }) => 'resizePixels' in input.shape)
  return square.map(({ type }) => literal(type)).join(', ')
}

export const RULES: readonly Rule[] = [
  {
    kinds: BOTH,
    path: 'spec.input.cropPixels',
    message: 'must not be larger than resizePixels',
    holds: ({ input: { cropPixels = 0, resizePixels = cropPixels } }) => cropPixels <= resizePixels,
    cel: (kind) =>
      `!(${taskType(kind)} in [${squareTasks(kind)}]) || ${filled(kind, 'input.cropPixels', SQUARE.cropPixels)} <= ${filled(kind, 'input.resizePixels', SQUARE.resizePixels)}`,
  },
  {
    kinds: FINETUNE,
    path: 'spec.input.longSidePixels',
    message: 'must not be smaller than shortSidePixels',
    holds: ({ input }) => {
      const { shortSidePixels, longSidePixels } = { ...DETECTION, ...input }
      return shortSidePixels <= longSidePixels
    },
    cel: (kind) =>
      `${filled(kind, 'input.shortSidePixels', DETECTION.shortSidePixels)} <= ${filled(kind, 'input.longSidePixels', DETECTION.longSidePixels)}`,
  },
  {
    kinds: FINETUNE,
    path: 'spec.input.minCropScale',
    message: 'must not be larger than maxCropScale',
    holds: ({ input }) => {
      const { minCropScale, maxCropScale } = { ...POSE, ...input }
      return minCropScale <= maxCropScale
    },
    // No preset sets them. A double of CEL has a point: the API server refuses a rule that mixes it with a whole number.
    cel: `!has(self.input) || !has(self.input.minCropScale) || self.input.minCropScale <= (has(self.input.maxCropScale) ? self.input.maxCropScale : ${POSE.maxCropScale.toFixed(2)})`,
  },
  ...TASK_RULES,
  ...NETWORK_RULES,
  ...FORMAT_RULES,
  {
    kinds: BOTH,
    path: 'spec.learningRate.values',
    message: 'must have one value more than there are boundaries',
    holds: ({ learningRate: rate }) => rate.type !== 'piecewise' || rate.values.length === rate.boundaries.length + 1,
    cel: "!has(self.learningRate) || self.learningRate.type != 'piecewise' || !has(self.learningRate.values) || !has(self.learningRate.boundaries) || size(self.learningRate.values) == size(self.learningRate.boundaries) + 1",
  },
  {
    kinds: BOTH,
    path: 'spec.learningRate.boundaries',
    message: 'must be in ascending order',
    holds: ({ learningRate: rate }) =>
      rate.type !== 'piecewise' || rate.boundaries.every((step, i) => i === 0 || step > (rate.boundaries[i - 1] ?? 0)),
    cel: "!has(self.learningRate) || self.learningRate.type != 'piecewise' || !has(self.learningRate.boundaries) || (self.learningRate.boundaries.isSorted() && self.learningRate.boundaries.all(a, self.learningRate.boundaries.exists_one(b, b == a)))",
  },
  {
    kinds: BOTH,
    path: 'spec.task.headSlices',
    message: 'must not be larger than classes',
    holds: ({ task: { headSlices, classes } }) => headSlices === undefined || Number(headSlices) <= Number(classes),
    cel: '!has(self.task) || !has(self.task.headSlices) || !has(self.task.classes) || self.task.headSlices <= self.task.classes',
  },
  {
    kinds: BOTH,
    path: 'spec.workers.quorum',
    message: 'must not be larger than replicas',
    holds: ({ workers }) => !workers.quorum || workers.quorum <= workers.replicas,
    cel: (kind) =>
      `!has(self.workers) || !has(self.workers.quorum) || self.workers.quorum <= ${filled(kind, 'workers.replicas', 1)}`,
  },
  {
    kinds: BOTH,
    path: 'spec.checkpoint.everyMinutes',
    message: 'cannot be given together with everySteps',
    holds: ({ checkpoint }) => checkpoint.everyMinutes === undefined || checkpoint.everySteps === undefined,
    cel: '!has(self.checkpoint) || !(has(self.checkpoint.everyMinutes) && has(self.checkpoint.everySteps))',
  },
  {
    kinds: BOTH,
    path: 'spec.async.warmStartSteps',
    message: 'must be smaller than maxSteps',
    holds: ({ async, maxSteps }) => !async.warmStartSteps || async.warmStartSteps < maxSteps,
    cel: (kind) =>
      `!has(self.async) || !has(self.async.warmStartSteps) || self.async.warmStartSteps == 0 || self.async.warmStartSteps < ${filled(kind, 'maxSteps', MAX_STEPS + 1)}`,
  },
  ...ASYNC_RULES,
  ...PER_POD_RULES,
  {
    kinds: BOTH,
    path: 'spec.failurePolicy.retryableExitCodes',
    message: 'must not contain a code of permanentExitCodes',
    holds: ({ failurePolicy: { permanentExitCodes = [], retryableExitCodes = [] } = {} }) =>
      !permanentExitCodes.some((code) => retryableExitCodes.includes(code)),
    cel: '!has(self.failurePolicy) || !has(self.failurePolicy.permanentExitCodes) || !has(self.failurePolicy.retryableExitCodes) || !self.failurePolicy.permanentExitCodes.exists(code, code in self.failurePolicy.retryableExitCodes)',
  },
  {
    kinds: BOTH,
    path: 'spec.scheduling.queueName',
    message: 'cannot be given together with gang: coscheduling, which has no queues; Kueue admits all pods together',
    holds: ({ scheduling }) => scheduling?.queueName === undefined || scheduling.gang !== 'coscheduling',
    cel: "!has(self.scheduling) || !has(self.scheduling.queueName) || !has(self.scheduling.gang) || self.scheduling.gang != 'coscheduling'",
  },
  {
    kinds: PRETRAIN,
    path: 'spec.transfers',
    message: 'must each have at.success: true or at.steps',
    holds: ({ transfers = [] }) => transfers.every(({ at }) => at.success === true || (at.steps?.length ?? 0) > 0),
    cel: '!has(self.transfers) || self.transfers.all(t, (has(t.at.success) && t.at.success) || (has(t.at.steps) && size(t.at.steps) > 0))',
  },
  {
    kinds: PRETRAIN,
    path: 'spec.transfers',
    message: 'must not name a step beyond maxSteps',
    holds: ({ transfers = [], maxSteps }) =>
      transfers.every(({ at }) => (at.steps ?? []).every((step) => step <= maxSteps)),
    cel: (kind) =>
      `!has(self.transfers) || self.transfers.all(t, !has(t.at.steps) || t.at.steps.all(s, s <= ${filled(kind, 'maxSteps', MAX_STEPS)}))`,
  },
  ...FROM_RULES,
  {
    kinds: FINETUNE,
    path: 'spec.protocol',
    message: 'frozen needs pre-trained weights: init cannot be random',
    holds: ({ protocol, init }) => protocol !== 'frozen' || init !== 'random',
    cel: "!has(self.protocol) || self.protocol != 'frozen' || !has(self.init) || self.init != 'random'",
  },
  {
    kinds: FINETUNE,
    path: 'spec.freeze',
    message: 'needs pre-trained weights: with init: random, everything must train',
    holds: ({ freeze, init }) => freeze === undefined || freeze.type === 'none' || init !== 'random',
    cel: "!has(self.freeze) || self.freeze.type == 'none' || !has(self.init) || self.init != 'random'",
  },
  {
    kinds: FINETUNE,
    path: 'spec.freeze.stages',
    message: `must not be larger than ${MINI_STAGES} with resnet-mini: its root and its blocks`,
    holds: ({ freeze, model }) =>
      freeze?.type !== 'stages' || freeze.stages <= MINI_STAGES || model.backbone !== 'resnet-mini',
    cel: (kind) =>
      `!has(self.freeze) || !has(self.freeze.stages) || self.freeze.stages <= ${MINI_STAGES} || ${filled(kind, 'model.backbone', '')} != 'resnet-mini'`,
  },
  {
    kinds: PRETRAIN,
    path: 'spec.batchNorm.mode',
    message: 'frozen needs the statistics of pre-trained weights: without from, choose calibrated or trained',
    holds: ({ batchNorm, from }) => batchNorm.mode !== 'frozen' || from !== undefined,
    cel: (kind) => `has(self.from) || ${filled(kind, 'batchNorm.mode', 'trained')} != 'frozen'`,
  },
  {
    kinds: FINETUNE,
    path: 'spec.batchNorm.mode',
    message: 'frozen needs the statistics of pre-trained weights: with init: random, choose calibrated or trained',
    holds: ({ batchNorm, init }) => batchNorm.mode !== 'frozen' || init !== 'random',
    cel: (kind) =>
      `!has(self.init) || self.init != 'random' || ${filled(kind, 'batchNorm.mode', 'trained')} != 'frozen'`,
  },
]
