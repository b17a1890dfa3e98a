import type { JobStatus } from '../../api/status.ts'
import { findCondition } from '../conditions.ts'

/** The final state of a job: later events do not change it. */
export interface Ending {
  type: 'Succeeded' | 'Failed'
  reason: string
  message: string
}

/** Failures that a change of the job can correct: see decideInvalid and addRequestFailures. */
export const INVALID_SPEC = 'InvalidSpec'
export const INVALID_TEMPLATE = 'TemplateInvalid'
const CORRECTABLE: readonly string[] = [INVALID_SPEC, INVALID_TEMPLATE]

/** The ending that the status already holds. */
export function writtenEnding(status: JobStatus | undefined): Ending | undefined {
  for (const type of ['Succeeded', 'Failed'] as const) {
    const condition = findCondition(status?.conditions, type)
    if (condition?.status === 'True' && !CORRECTABLE.includes(condition.reason)) {
      return { type, reason: condition.reason, message: condition.message }
    }
  }
  return undefined
}
