import { z } from 'zod'
import { steps } from '../contract/training.ts'
import { objectName, optionalTask, trainingInputFields } from './common.ts'
import { finetuneOwnFields } from './finetune-fields.ts'

/** The checkpoint to start from: of a PretrainJob in the same namespace. */
export const From = z.strictObject({
  pretrainJob: objectName.describe('Name of a PretrainJob in the same namespace.'),
  checkpoint: z.enum(['latest', 'best', 'step']).default('latest').describe('latest waits for the job to succeed.'),
  step: steps.optional().describe('With checkpoint: step. Waits until the job has saved that step.'),
})

const ownFields = { ...finetuneOwnFields, from: From.optional().describe('Required unless init is random.') }

/** What a user may write: everything that a preset can fill is optional. */
export const FinetuneJobInput = z.strictObject({ ...ownFields, ...trainingInputFields, ...optionalTask('FinetuneJob') })
/** After preset and defaults: complete. */
export const FinetuneJobSpec = z.strictObject(ownFields)

export type FinetuneJobInput = z.input<typeof FinetuneJobInput>
export type FinetuneJobSpec = z.output<typeof FinetuneJobSpec>
