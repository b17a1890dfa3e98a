/** Fields of a FinetuneJob except `from`. PretrainJob.spec.transfers[] has the same fields. */
import { z } from 'zod'
import { Freeze, protocol } from '../contract/training.ts'
import { byDefault, DataSource, evaluationFields, taskFields, trainingFields } from './common.ts'
import { jobFields } from './job-fields.ts'
import { FINETUNE_RECIPES, presetNames } from './presets.ts'

export const finetuneOwnFields = {
  preset: z
    .enum(presetNames(FINETUNE_RECIPES))
    .optional()
    .describe('Preset that fills the fields that the job leaves out.'),
  protocol: byDefault(protocol, 'finetune'),
  freeze: z
    .exactOptional(Freeze)
    .describe(
      'The part of the backbone that does not train; none when absent. protocol: frozen freezes all of it. Cannot change.',
    ),
  init: z
    .enum(['pretrained', 'random'])
    .default('pretrained')
    .describe('Initial weights. pretrained: from the checkpoint. random: newly drawn, as a baseline.'),
  evaluation: z
    .strictObject({
      data: DataSource.describe('Held-out images with the classes of the training data.'),
      ...evaluationFields,
    })
    .describe('Scores every checkpoint, in a separate pod; the last score is the result.'),
  ...jobFields,
  ...trainingFields,
  ...taskFields('FinetuneJob'),
}
