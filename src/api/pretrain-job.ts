import { z } from 'zod'
import { steps } from '../contract/training.ts'
import { declarationsFor } from '../tasks/declarations.ts'
import {
  DataSource,
  evaluationFields,
  objectName,
  optionalTask,
  taskFields,
  trainingAuthoredFields,
  trainingFields,
} from './common.ts'
import { finetuneOwnFields } from './finetune-fields.ts'
import { From } from './from.ts'
import { jobFields } from './job-fields.ts'
import { keyedList, setOf } from './lists.ts'
import { PRETRAIN_RECIPES, presetNames } from './presets.ts'

const metricNames = new Set(declarationsFor('PretrainJob').flatMap(({ metrics }) => metrics.map(({ name }) => name)))

export const Evaluation = z.strictObject({
  data: DataSource.describe('Held-out images.'),
  metric: z
    .enum([...metricNames])
    .optional()
    .describe('The metric that best checkpoints are chosen by; the first one of the task when absent.'),
  ...evaluationFields,
})

/** A FinetuneJob that is created from this job's checkpoint, at given steps or on success. */
export const Transfer = z.strictObject({
  name: objectName.describe('The FinetuneJob is named JOB-NAME, or JOB-NAME-STEP for a step.'),
  at: z
    .strictObject({
      success: z.boolean().optional().describe('From the last checkpoint, when the job has succeeded.'),
      steps: setOf(steps, 16)
        .optional()
        .describe('From the checkpoint of each of these global steps, once it is saved.'),
    })
    .describe('When it is created; at least one of the two.'),
  template: z
    .strictObject({ ...finetuneOwnFields, ...trainingAuthoredFields, ...optionalTask('FinetuneJob') })
    .describe('A FinetuneJob spec without `from`.'),
})

const ownFields = {
  preset: z
    .enum(presetNames(PRETRAIN_RECIPES))
    .optional()
    .describe("Fills fields with the paper's numbers; fields of the job override it."),
  from: From.optional().describe(
    'Start from a checkpoint of another PretrainJob, or of a volume, with a new last layer; from random weights when absent.',
  ),
  evaluation: Evaluation.optional().describe('Scores every checkpoint on held-out images, in a separate pod.'),
  transfers: keyedList(Transfer, 'name', 16)
    .optional()
    .describe('FinetuneJobs that the operator creates from checkpoints of this job, at given steps or on success.'),
  ...jobFields,
}

/** The spec as its author writes it: fields that a preset can fill are optional. */
export const PretrainJobInput = z.strictObject({
  ...ownFields,
  ...trainingAuthoredFields,
  ...optionalTask('PretrainJob'),
})
/** The spec with preset and defaults filled in. */
export const PretrainJobSpec = z.strictObject({ ...ownFields, ...trainingFields, ...taskFields('PretrainJob') })

export type PretrainJobInput = z.input<typeof PretrainJobInput>
export type PretrainJobSpec = z.output<typeof PretrainJobSpec>
