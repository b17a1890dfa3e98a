/** Which exit code an error ends a runtime process with: the operator decides by it whether another attempt can help. */
import { EXIT } from './runtime.ts'

const BY_CODE: Readonly<Record<string, number>> = {
  CONFIG_INVALID: EXIT.badConfig,
  BACKEND_UNAVAILABLE: EXIT.badConfig,
  BAD_DATA: EXIT.badData,
  CLASS_UNKNOWN: EXIT.badData,
  HIERARCHY_DIFFERS: EXIT.badData,
  NON_FINITE: EXIT.nonFinite,
  SAFETENSORS_INVALID: EXIT.badCheckpoint,
  LAYOUT_MISMATCH: EXIT.layoutMismatch,
  LAYOUT_INVALID: EXIT.layoutMismatch,
  LAYOUT_TOO_LARGE: EXIT.layoutMismatch,
  FENCED: EXIT.fenced,
  OUTDATED_GENERATION: EXIT.fenced,
  // Parameter servers that do not belong together: as a new generation they will.
  SHARDS_DISAGREE: EXIT.peerUnreachable,
  OUTDATED_COORDINATOR: EXIT.peerUnreachable,
  OUTDATED_SHARD: EXIT.peerUnreachable,
  // A worker that maps its data by a list of the generation before: its next try maps it anew.
  CLASSES_CHANGED: EXIT.peerUnreachable,
  CHECKPOINT_FAILED: EXIT.storage,
  CHECKPOINT_UNREADABLE: EXIT.storage,
  CHECKPOINT_SHORT_WRITE: EXIT.storage,
}

/** Node's codes for a disk that is full, read-only, broken, or a mount that has gone or lets nobody in. */
const FULL_OR_BROKEN = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EFBIG', 'EREMOTEIO', 'ENODEV', 'ENXIO']
const OUT_OF_REACH = ['ESTALE', 'ENOTCONN', 'EACCES', 'EPERM', 'EBUSY', 'EMFILE', 'ENFILE', 'EAGAIN']
const STORAGE = new Set([...FULL_OR_BROKEN, ...OUT_OF_REACH])
const NETWORK = new Set(['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EAI_AGAIN'])

/** @param code of a DownpourError or of Node: anything unknown is a crash, which is retried. */
export function exitCodeOf(code: string): number {
  const known = BY_CODE[code]
  if (known !== undefined) return known
  if (/^(DATA|LABELS?)_/.test(code)) return EXIT.badData
  if (STORAGE.has(code)) return EXIT.storage
  if (code.startsWith('CHECKPOINT_')) return EXIT.badCheckpoint
  return NETWORK.has(code) ? EXIT.peerUnreachable : EXIT.crash
}
