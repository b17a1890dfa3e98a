import { z } from 'zod'
import { optionalTaskFields, trainingAuthoredFields } from './common.ts'
import { finetuneFieldsWithoutFrom } from './finetune-fields.ts'
import { From } from './from.ts'

const ownFields = { ...finetuneFieldsWithoutFrom, from: From.optional().describe('Required unless init is random.') }

/** The spec as its author writes it: fields that a preset can fill are optional. */
export const FinetuneJobInput = z.strictObject({
  ...ownFields,
  ...trainingAuthoredFields,
  ...optionalTaskFields('FinetuneJob'),
})
/** The spec with preset and defaults filled in. */
export const FinetuneJobSpec = z.strictObject(ownFields)

export type FinetuneJobInput = z.input<typeof FinetuneJobInput>
export type FinetuneJobSpec = z.output<typeof FinetuneJobSpec>
