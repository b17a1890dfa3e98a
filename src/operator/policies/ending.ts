import type { JobStatus } from '../../api/status.ts'
import { findCondition } from '../conditions.ts'

/** A job's last state; nothing that happens later changes it. */
export interface Ending {
  type: 'Succeeded' | 'Failed'
  reason: string
  message: string
}

/** The failures that a person can mend: see decideInvalid, and tellFailures for what the API server found. */
export const INVALID_SPEC = 'InvalidSpec'
export const INVALID_TEMPLATE = 'TemplateInvalid'
const MENDABLE: readonly string[] = [INVALID_SPEC, INVALID_TEMPLATE]

/** The end that is already written down. */
export function writtenEnding(status: JobStatus | undefined): Ending | undefined {
  for (const type of ['Succeeded', 'Failed'] as const) {
    const condition = findCondition(status?.conditions, type)
    if (condition?.status === 'True' && !MENDABLE.includes(condition.reason)) {
      return { type, reason: condition.reason, message: condition.message }
    }
  }
  return undefined
}
