import { z } from 'zod'
import { DataSource, objectName, steps, trainingFields, trainingInputFields } from './common.ts'
import { finetuneOwnFields } from './finetune-fields.ts'
import { jobFields } from './job-fields.ts'
import { keyedList, setOf } from './lists.ts'

export const PRETRAIN_PRESETS = [
  'jft-resnet101',
  'jft-resnet50',
  'jft-resnet152',
  'imagenet-baseline',
  'jft-mini',
] as const

export const Evaluation = z.strictObject({
  data: DataSource,
  metric: z.enum(['mAP@100', 'top1']),
  maxExamples: z.int().min(1).optional(),
})

/** A FinetuneJob made from this job's checkpoint: at given steps, or when it has succeeded. */
export const Transfer = z.strictObject({
  name: objectName.describe('The FinetuneJob is called JOB-NAME, and JOB-NAME-STEP at a step.'),
  at: z.strictObject({ success: z.boolean().optional(), steps: setOf(steps, 16).optional() }),
  template: z
    .strictObject({ ...finetuneOwnFields, ...trainingInputFields })
    .describe('A FinetuneJob spec without `from`.'),
})

const ownFields = {
  preset: z.enum(PRETRAIN_PRESETS).optional().describe("Fills the paper's numbers; every field given overrides it."),
  evaluation: Evaluation.optional(),
  transfers: keyedList(Transfer, 'name', 16).optional(),
  ...jobFields,
}

/** What a user may write: everything that a preset can fill is optional. */
export const PretrainJobInput = z.strictObject({ ...ownFields, ...trainingInputFields })
/** After preset and defaults: complete. */
export const PretrainJobSpec = z.strictObject({ ...ownFields, ...trainingFields })

export type PretrainJobInput = z.input<typeof PretrainJobInput>
export type PretrainJobSpec = z.output<typeof PretrainJobSpec>
