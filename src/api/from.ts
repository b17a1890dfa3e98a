import { z } from 'zod'
import { steps } from '../contract/training.ts'
import { objectName } from './common.ts'
import type { Issue } from './issue.ts'
import type { Validation } from './schema.ts'

/** The checkpoint to start from: of a PretrainJob in the same namespace. */
export const From = z.strictObject({
  pretrainJob: objectName.describe('Name of a PretrainJob in the same namespace.'),
  checkpoint: z.enum(['latest', 'best', 'step']).default('latest').describe('latest waits for the job to succeed.'),
  step: steps.optional().describe('With checkpoint: step. Waits until the job has saved that step.'),
})
export type From = z.output<typeof From>

const OWN_SOURCE = 'must name another PretrainJob'

/** Refuses a PretrainJob that would wait for itself. */
export function ownSourceIssues(jobName: string, { from }: { from?: From | undefined }): Issue[] {
  if (!from || from.pretrainJob !== jobName) return []
  return [{ path: 'spec.from.pretrainJob', value: jobName, expected: OWN_SOURCE, message: OWN_SOURCE }]
}

/** The same in CEL, as a rule of the whole job. */
export function ownSourceValidation(): Validation {
  return {
    rule: '!has(self.spec.from) || self.spec.from.pretrainJob != self.metadata.name',
    message: OWN_SOURCE,
    fieldPath: '.spec.from.pretrainJob',
  }
}
