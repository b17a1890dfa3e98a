import { z } from 'zod'
import { steps } from '../contract/training.ts'
import { isFields } from '../support/fields.ts'
import { objectName, VolumePath } from './common.ts'

const checkpoint = z.enum(['latest', 'best', 'step'])

/**
 * The checkpoint to start from: of a PretrainJob in the same namespace, or from a volume. `checkpoint` has no default in
 * the CRD, because the API server would also write it into sources on a volume.
 */
export const From = z.strictObject({
  pretrainJob: objectName.optional().describe('Name of a PretrainJob in the same namespace; this or volume.'),
  checkpoint: checkpoint
    .optional()
    .describe('Which checkpoint of pretrainJob; latest, when absent, waits for the job to succeed.'),
  step: steps.optional().describe('With checkpoint: step. Waits until the job has saved that step.'),
  volume: VolumePath.optional().describe(
    'A folder with a checkpoint, or with step-… folders, of which the newest intact one is used; this or pretrainJob.',
  ),
})
export type From = z.output<typeof From>

/** A valid `spec.from`. */
export type Source =
  | { type: 'job'; pretrainJob: string; checkpoint: z.output<typeof checkpoint>; step?: number | undefined }
  | { type: 'volume'; claimName: string; path: string }

/** The rules of from-rules.ts refuse a `spec.from` with neither or both. */
export function sourceOf({ pretrainJob = '', checkpoint = 'latest', step, volume }: From): Source {
  if (volume) return { type: 'volume', claimName: volume.claimName, path: volume.path ?? '.' }
  return { type: 'job', pretrainJob, checkpoint, step }
}

/** Fills in the `checkpoint` that a source job has when it is absent. The argument is not validated. */
export function fillFrom(from: unknown): unknown {
  return isFields(from) && from.pretrainJob !== undefined && from.volume === undefined
    ? { checkpoint: 'latest', ...from }
    : from
}
