/**
 * A checkpoint that is damaged is passed over; a disk that cannot be read just now is not the checkpoint's fault, and
 * ends the process instead: another try may read it, and must not find an older one in its place.
 */
import { DownpourError, errorCode, errorMessage } from '../support/errors.ts'

const DAMAGE = new Set(['CHECKPOINT_NO_MANIFEST', 'CHECKPOINT_BAD_MANIFEST', 'CHECKPOINT_TORN', 'CHECKPOINT_CORRUPT'])

export function isDamage(error: unknown): boolean {
  return DAMAGE.has(errorCode(error))
}

/** CHECKPOINT_UNREADABLE for what Node says of a disk; our own errors stay as they are. */
export function unreadable(path: string, cause: unknown): Error {
  if (cause instanceof DownpourError) return cause
  const message = `${path} cannot be read just now: ${errorMessage(cause)}`
  return new DownpourError('CHECKPOINT_UNREADABLE', message, { path, errno: errorCode(cause) }, { cause })
}
