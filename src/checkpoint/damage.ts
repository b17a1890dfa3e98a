/**
 * A damaged checkpoint is skipped. A read error of the disk is not damage: it ends the process, because a retry may
 * succeed, and continuing from an older checkpoint would lose steps.
 */
import { DownpourError, errorCode, errorMessage } from '../support/errors.ts'

const DAMAGE = new Set(['CHECKPOINT_NO_MANIFEST', 'CHECKPOINT_BAD_MANIFEST', 'CHECKPOINT_TORN', 'CHECKPOINT_CORRUPT'])

export function isDamage(error: unknown): boolean {
  return DAMAGE.has(errorCode(error))
}

/** CHECKPOINT_UNREADABLE for Node's errors of the disk; a DownpourError is returned unchanged. */
export function unreadable(path: string, cause: unknown): Error {
  if (cause instanceof DownpourError) return cause
  const message = `${path} cannot be read now: ${errorMessage(cause)}`
  return new DownpourError('CHECKPOINT_UNREADABLE', message, { path, errno: errorCode(cause) }, { cause })
}
