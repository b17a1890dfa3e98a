import type { JobStatus } from '../../api/status.ts'
import { findCondition } from '../conditions.ts'

/** A job's last state; nothing that happens later changes it. */
export interface Ending {
  type: 'Succeeded' | 'Failed'
  reason: string
  message: string
}

/** The one failure that a person can mend: see decideInvalid. */
export const INVALID_SPEC = 'InvalidSpec'

/** The end that is already written down. */
export function writtenEnding(status: JobStatus | undefined): Ending | undefined {
  for (const type of ['Succeeded', 'Failed'] as const) {
    const condition = findCondition(status?.conditions, type)
    if (condition?.status === 'True' && condition.reason !== INVALID_SPEC) {
      return { type, reason: condition.reason, message: condition.message }
    }
  }
  return undefined
}
