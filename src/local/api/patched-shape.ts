import { errorMessage } from '../../support/errors.ts'
import { checkShape } from '../../support/json.ts'
import { badRequest } from '../store/status-error.ts'

/** Applies the bounds of a request body to a patched object: repeated patches could exceed them. @throws StatusError 400 */
export function checkPatched(value: unknown): void {
  try {
    checkShape(value)
  } catch (error) {
    throw badRequest(`the patched object cannot be stored: ${errorMessage(error)}`)
  }
}
