/** The fields that both kinds share: the vocabulary of src/contract with defaults, and what only a job has (claims, pods). */
import { z } from 'zod'
import type { JobKind } from '../contract/names.ts'
import { innerPath } from '../contract/paths.ts'
import * as vocabulary from '../contract/training.ts'
import { dnsLabel } from './names.ts'
import { PodTemplate } from './pod-template.ts'
import { inputSchema, taskUnion } from './task.ts'

const { backend, steps, Model, Optimizer, LearningRate, BatchNorm, Training } = vocabulary
const IMAGE = /^[!-~]+$/

const claimName = dnsLabel(63).describe('Name of a PersistentVolumeClaim in the namespace of the job.')
export const objectName = dnsLabel(50)

/** A field that the API server fills where the author does not. */
export function byDefault<T extends z.ZodType>(type: T, value: z.util.NoUndefined<z.output<T>>): z.ZodDefault<T> {
  // Described again, because a description inside of a default is written in another place of the CRD.
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

export const maxExamples = z.exactOptional(vocabulary.maxExamples).describe(vocabulary.maxExamples.description ?? '')

const { fetchEvery, pushEvery, policy, maxStaleness, warmStartSteps } = vocabulary.Async.shape
export const Async = z.strictObject({
  fetchEvery: byDefault(fetchEvery, 1),
  pushEvery: byDefault(pushEvery, 1),
  policy: byDefault(policy, { type: 'async' }),
  maxStaleness,
  warmStartSteps: byDefault(warmStartSteps, 0),
})

const { keep, keepBest } = vocabulary.Retention.shape
export const Checkpoint = z.strictObject({
  everySteps: z.exactOptional(steps).describe('Save whenever so many global steps are done.'),
  everyMinutes: z
    .exactOptional(z.number().gt(0).max(vocabulary.MAX_INT))
    .describe('Save after so much time; instead of everySteps.'),
  keep: byDefault(keep, 3),
  keepBest: byDefault(keepBest, 1),
  storage: z
    .strictObject({
      volume: VolumePath.describe('Mounted by every pod of the job: ReadWriteMany, or all on one node.'),
    })
    .describe('Where checkpoints lie. They outlive the job.'),
})

/** fixed: uid, gid and fsGroup 65532. platform: whatever the namespace assigns. */
export const POD_IDS = ['fixed', 'platform'] as const

export const Runtime = z.strictObject({
  backend: byDefault(backend, 'auto'),
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
      "fixed: pods run as user, group and fsGroup 65532. platform: the namespace assigns them, as on OpenShift. The operator's default when absent.",
    ),
})

const template = PodTemplate.optional().describe('What these pods need: resources, nodes, environment, volumes.')

export const ParameterServer = z.strictObject({
  replicas: z.int().min(1).max(200).describe('Shards that the weights are spread over, a pod each.'),
  template,
})

export const Workers = z.strictObject({
  replicas: z.int().min(1).max(5000).describe('Pods that train, each by itself.'),
  quorum: z
    .int()
    .min(1)
    .max(5000)
    .optional()
    .describe('Fewer running workers than this for long: the job is Stalled. Default: 1.'),
  template,
})

export const trainingFields = {
  model: Model,
  data: DataSource.describe('What is trained on.'),
  optimizer: Optimizer,
  learningRate: LearningRate,
  batchSize: Training.shape.batchSize,
  weightDecay: Training.shape.weightDecay,
  batchNorm: BatchNorm,
  maxSteps: Training.shape.maxSteps,
  seed: Training.shape.seed,
  async: Async,
  parameterServer: ParameterServer,
  workers: Workers,
  evaluator: z.strictObject({ template }).describe('The pod that scores checkpoints, if there is an evaluation.'),
  runtime: Runtime.describe('The program in the pods.'),
  checkpoint: Checkpoint.describe('When the weights are saved, where, and which are kept.'),
  maxNonFinite: Training.shape.maxNonFinite,
}

const inputFields = {
  ...trainingFields,
  model: Model.partial().describe('The network that the task builds on. Cannot change.'),
  optimizer: Optimizer.describe('Given whole: it replaces that of the preset.'),
  learningRate: LearningRate.describe('In global steps. Given whole: it replaces that of the preset.'),
  batchNorm: BatchNorm.partial().describe('Decay and epsilon of the moving statistics.'),
  async: Async.describe('How workers and parameter servers keep in step, or do not.'),
  parameterServer: ParameterServer.partial().describe('The pods that hold weights and optimizer, a shard each.'),
  workers: Workers.partial().describe(
    'The pods that compute gradients. Scaled by kubectl scale once replicas is given here.',
  ),
}
/** The same as a user may write them: what a preset or a default can fill is optional, in groups as well. */
export const trainingInputFields = {
  ...z.strictObject(inputFields).partial().shape,
  data: trainingFields.data,
  checkpoint: trainingFields.checkpoint,
}

/** The same of a kind, for these differ with the tasks that it can have. */
export function taskFields(kind: JobKind) {
  const input = inputSchema(kind).describe('What an example is turned into before the task sees it.')
  return { task: taskUnion(kind), input }
}

export function optionalTask(kind: JobKind) {
  const { task, input } = taskFields(kind)
  return { task: task.optional(), input: input.optional() }
}
