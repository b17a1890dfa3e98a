/**
 * Fields of a FinetuneJob except `from`, in the form with preset and defaults filled in. The template of
 * PretrainJob.spec.transfers[] has the same fields.
 */
import { z } from 'zod'
import { protocol } from '../contract/training.ts'
import { byDefault, DataSource, maxExamples, taskFields, trainingFields } from './common.ts'
import { jobFields } from './job-fields.ts'
import { FINETUNE_RECIPES, presetNames } from './presets.ts'

export const finetuneFieldsWithoutFrom = {
  preset: z
    .enum(presetNames(FINETUNE_RECIPES))
    .optional()
    .describe('Preset that fills the fields that the job leaves out.'),
  protocol: byDefault(protocol, 'finetune'),
  init: z
    .enum(['pretrained', 'random'])
    .default('pretrained')
    .describe('Initial weights. pretrained: from the checkpoint. random: newly initialized, as a baseline.'),
  evaluation: z
    .strictObject({ data: DataSource.describe('Held-out images with the classes of the training data.'), maxExamples })
    .describe('Scores every checkpoint, in a separate pod; the last score is the result.'),
  ...jobFields,
  ...trainingFields,
  ...taskFields('FinetuneJob'),
}
