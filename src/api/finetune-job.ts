import { z } from 'zod'
import { optionalTask, trainingAuthoredFields } from './common.ts'
import { finetuneOwnFields } from './finetune-fields.ts'
import { From } from './from.ts'

const ownFields = {
  ...finetuneOwnFields,
  from: From.optional().describe(
    'The checkpoint to start from, with a new last layer. Required unless init is random.',
  ),
}

/** The spec as its author writes it: fields that a preset can fill are optional. */
export const FinetuneJobInput = z.strictObject({
  ...ownFields,
  ...trainingAuthoredFields,
  ...optionalTask('FinetuneJob'),
})
/** The spec with preset and defaults filled in. */
export const FinetuneJobSpec = z.strictObject(ownFields)

export type FinetuneJobInput = z.input<typeof FinetuneJobInput>
export type FinetuneJobSpec = z.output<typeof FinetuneJobSpec>
