import { z } from 'zod'
import { optionalTask, trainingInputFields } from './common.ts'
import { finetuneOwnFields } from './finetune-fields.ts'
import { From } from './from.ts'

const ownFields = { ...finetuneOwnFields, from: From.optional().describe('Required unless init is random.') }

/** What a user may write: everything that a preset can fill is optional. */
export const FinetuneJobInput = z.strictObject({ ...ownFields, ...trainingInputFields, ...optionalTask('FinetuneJob') })
/** After preset and defaults: complete. */
export const FinetuneJobSpec = z.strictObject(ownFields)

export type FinetuneJobInput = z.input<typeof FinetuneJobInput>
export type FinetuneJobSpec = z.output<typeof FinetuneJobSpec>
