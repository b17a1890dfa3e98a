/**
 * Spec fields that PretrainJob and FinetuneJob share: the schemas of src/contract/training.ts with defaults, and fields that
 * only a job has (claims, pods).
 */
import { z } from 'zod'
import type { JobKind } from '../contract/names.ts'
import { innerPath } from '../contract/paths.ts'
import * as vocabulary from '../contract/training.ts'
import { declarationsFor } from '../tasks/declarations.ts'
import { dnsLabel } from './names.ts'
import { PodTemplate } from './pod-template.ts'
import { Stragglers } from './stragglers.ts'
import { inputSchema, taskUnion } from './task.ts'

const { backend, graph, steps, Model, Optimizer, LearningRate, BatchNorm, Training } = vocabulary
const IMAGE = /^[!-~]+$/

const claimName = dnsLabel(63).describe('Name of a PersistentVolumeClaim in the namespace of the job.')
export const objectName = dnsLabel(50)

/** Adds a default, which the API server writes into objects that lack the field. */
export function byDefault<T extends z.ZodType>(type: T, value: z.util.NoUndefined<z.output<T>>): z.ZodDefault<T> {
  // The description is set again, because zod would write it in another place of the CRD.
  return type.default(value).describe(type.description ?? '')
}

export const VolumePath = z.strictObject({
  claimName,
  path: z.exactOptional(innerPath).describe('Folder inside the volume; the whole volume when absent.'),
})

const { Data, LabelSubset, Subset } = vocabulary
export const DataSource = z.strictObject({
  source: VolumePath.describe('Where the files are.'),
  ...Data.shape,
  subset: z
    .exactOptional(Subset.extend({ seed: byDefault(Subset.shape.seed, 0) }))
    .describe(Data.shape.subset.description ?? ''),
  labelSubset: z
    .exactOptional(LabelSubset.extend({ keepOtherLabels: byDefault(LabelSubset.shape.keepOtherLabels, false) }))
    .describe(Data.shape.labelSubset.description ?? ''),
  maxCorruptRecords: byDefault(Data.shape.maxCorruptRecords, 100),
})

const { maxExamples, exclude, maxWaiting } = vocabulary.Evaluation.shape
/** What both kinds say of an evaluation, besides its data. */
export const evaluationFields = {
  maxExamples,
  exclude,
  maxWaiting: byDefault(maxWaiting, vocabulary.DEFAULT_MAX_WAITING),
}

const { fetchEvery, pushEvery, prefetch, policy, maxStaleness, warmStartSteps, compression } = vocabulary.Async.shape
export const Async = z.strictObject({
  fetchEvery: byDefault(fetchEvery, 1),
  pushEvery: byDefault(pushEvery, 1),
  prefetch,
  policy: byDefault(policy, { type: 'async' }),
  maxStaleness,
  warmStartSteps: byDefault(warmStartSteps, 0),
  compression,
})

const { keep, keepBest } = vocabulary.Retention.shape
export const Checkpoint = z.strictObject({
  everySteps: z.exactOptional(steps).describe('Global steps between checkpoints.'),
  everyMinutes: z
    .exactOptional(z.number().gt(0).max(vocabulary.MAX_INT))
    .describe('Minutes between checkpoints; instead of everySteps.'),
  keep: byDefault(keep, 3),
  keepBest: byDefault(keepBest, 1),
  storage: z
    .strictObject({
      volume: VolumePath.describe(
        'Parameter servers and the evaluator mount it, so it is ReadWriteMany, or all these pods run on one node.',
      ),
    })
    .describe('Where checkpoints are stored. They remain when the job is deleted.'),
})

/** fixed: uid, gid and fsGroup 65532. platform: unset, so that the platform assigns them. */
export const POD_IDS = ['fixed', 'platform'] as const

export const Runtime = z.strictObject({
  backend: byDefault(backend, 'auto'),
  graph: graph.optional().describe(`${graph.description} auto when absent.`),
  image: z
    .string()
    .max(512)
    .regex(IMAGE, 'the name of an image, without blanks')
    .optional()
    .describe("Container image; the operator's default when absent."),
  podIds: z
    .enum(POD_IDS)
    .optional()
    .describe(
      "User and group of the pods. fixed: user, group and fsGroup 65532. platform: unset, so that the platform assigns them, as OpenShift does from the range of the namespace. The operator's default when absent.",
    ),
})

export const Metrics = z.strictObject({
  perWorker: byDefault(vocabulary.Metrics.shape.perWorker, true),
})

const template = PodTemplate.optional().describe('What these pods need: resources, nodes, environment, volumes.')

export const ParameterServer = z.strictObject({
  replicas: z.int().min(1).max(200).describe('Number of pods, each of which stores one shard of the weights.'),
  template,
})

export const Workers = z.strictObject({
  replicas: z.int().min(1).max(5000).describe('Number of pods that train, independently of each other.'),
  perPod: vocabulary.perPod.optional().describe(`${vocabulary.perPod.description} 1 when absent.`),
  quorum: z
    .int()
    .min(1)
    .max(5000)
    .optional()
    .describe(
      'Minimum number of running workers. With fewer for progressDeadlineSeconds, the job gets the condition Stalled. 1 when absent.',
    ),
  stragglers: Stragglers.optional().describe(
    'When a worker counts as slow, and what happens then. It is compared with at least two other workers. Report with the defaults when absent.',
  ),
  template,
})

export const trainingFields = {
  model: Model,
  data: DataSource.describe('The training data.'),
  optimizer: Optimizer,
  learningRate: LearningRate,
  batchSize: Training.shape.batchSize,
  weightDecay: Training.shape.weightDecay,
  gradientClipNorm: Training.shape.gradientClipNorm,
  batchNorm: BatchNorm,
  maxSteps: Training.shape.maxSteps,
  seed: Training.shape.seed,
  async: Async,
  parameterServer: ParameterServer,
  workers: Workers,
  evaluator: z.strictObject({ template }).describe('The pod that scores checkpoints, if there is an evaluation.'),
  runtime: Runtime.describe('The program in the pods.'),
  checkpoint: Checkpoint.describe('When and where checkpoints are saved, and how many are kept.'),
  maxNonFinite: Training.shape.maxNonFinite,
  metrics: Metrics.describe('What the pods export to Prometheus.'),
}

const authoredFields = {
  ...trainingFields,
  model: Model.partial().describe('The network that the task builds on. Cannot change.'),
  optimizer: Optimizer.describe("Replaces the preset's optimizer as a whole."),
  learningRate: LearningRate.describe("Learning rate by global step. Replaces the preset's schedule as a whole."),
  batchNorm: BatchNorm.partial().describe('How batch norm gets its mean and variance.'),
  async: Async.describe(
    'How often workers fetch weights and push gradients, how stale a gradient may be, and how it is compressed.',
  ),
  parameterServer: ParameterServer.partial().describe('The pods that store weights and optimizer state, each a shard.'),
  workers: Workers.partial().describe('The pods that compute gradients. kubectl scale changes replicas.'),
}
/** The same fields in a job as its author writes it: fields that a preset or a default can fill are optional. */
export const trainingAuthoredFields = {
  ...z.strictObject(authoredFields).partial().shape,
  data: trainingFields.data,
  checkpoint: trainingFields.checkpoint,
}

/** Fields whose schema depends on the tasks that the kind can have. */
export function taskFields(kind: JobKind) {
  const input = inputSchema(declarationsFor(kind)).describe('How examples are prepared for the task.')
  return { task: taskUnion(kind), input }
}

export function optionalTask(kind: JobKind) {
  const { task, input } = taskFields(kind)
  return { task: task.optional(), input: input.optional() }
}
