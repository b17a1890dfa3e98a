/** Fields of a FinetuneJob except `from`. PretrainJob.spec.transfers[] has the same fields. */
import { z } from 'zod'
import { protocol } from '../contract/training.ts'
import { byDefault, DataSource, maxExamples, taskFields, trainingFields } from './common.ts'
import { jobFields } from './job-fields.ts'
import { FINETUNE_RECIPES, presetNames } from './presets.ts'

export const finetuneOwnFields = {
  preset: z
    .enum(presetNames(FINETUNE_RECIPES))
    .optional()
    .describe("Fills fields with the recipe's numbers; fields of the job override it."),
  protocol: byDefault(protocol, 'finetune'),
  init: z.enum(['pretrained', 'random']).default('pretrained').describe('random: a baseline without the checkpoint.'),
  evaluation: z
    .strictObject({ data: DataSource.describe('Held-out images with the same classes.'), maxExamples })
    .describe('Scores every checkpoint, in a separate pod; the last score is the result.'),
  ...jobFields,
  ...trainingFields,
  ...taskFields('FinetuneJob'),
}
