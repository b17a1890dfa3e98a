import { errorMessage } from '../../support/errors.ts'
import { checkShape } from '../../support/json.ts'
import { badRequest } from '../store/status-error.ts'

/** Refuses what nests deeper than a request body may: patches upon patches could. @throws StatusError 400 */
export function checkPatched(value: unknown): void {
  try {
    checkShape(value)
  } catch (error) {
    throw badRequest(`the patched object cannot be stored: ${errorMessage(error)}`)
  }
}
