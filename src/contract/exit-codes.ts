/** The exit code for each error code. The operator decides by it whether to try again. */
import { EXIT } from './runtime.ts'

const BY_CODE: Readonly<Record<string, number>> = {
  CONFIG_INVALID: EXIT.badConfig,
  BACKEND_UNAVAILABLE: EXIT.badConfig,
  GPU_UNAVAILABLE: EXIT.gpuUnavailable,
  BAD_DATA: EXIT.badData,
  JSON_INVALID: EXIT.badData,
  COCO_INVALID: EXIT.badData,
  VOC_INVALID: EXIT.badData,
  CLASS_UNKNOWN: EXIT.badData,
  HIERARCHY_DIFFERS: EXIT.badData,
  NON_FINITE: EXIT.nonFinite,
  SAFETENSORS_INVALID: EXIT.badCheckpoint,
  LAYOUT_MISMATCH: EXIT.layoutMismatch,
  COMPRESSION_MISMATCH: EXIT.layoutMismatch,
  LAYOUT_INVALID: EXIT.layoutMismatch,
  LAYOUT_TOO_LARGE: EXIT.layoutMismatch,
  FENCED: EXIT.fenced,
  OUTDATED_GENERATION: EXIT.fenced,
  // Parameter servers of different checkpoints or generations: restarting all of them resolves it.
  SHARDS_DISAGREE: EXIT.peerUnreachable,
  OUTDATED_COORDINATOR: EXIT.peerUnreachable,
  OUTDATED_SHARD: EXIT.peerUnreachable,
  // The worker matched its labels with the list of an earlier generation; after a restart it uses the new list.
  CLASSES_CHANGED: EXIT.peerUnreachable,
  // Only a worker that starts asks its loader for the images that batch norm is calibrated on.
  STATISTICS_LOST: EXIT.peerUnreachable,
  CHECKPOINT_FAILED: EXIT.storage,
  CHECKPOINT_UNREADABLE: EXIT.storage,
  CHECKPOINT_SHORT_WRITE: EXIT.storage,
  SHARED_MEMORY_FULL: EXIT.storage,
}

/** Node's codes for a disk that is full, read-only or broken, and for a mount that is gone or not accessible. */
const DISK_ERRORS = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EFBIG', 'EREMOTEIO', 'ENODEV', 'ENXIO']
const MOUNT_ERRORS = ['ESTALE', 'ENOTCONN', 'EACCES', 'EPERM', 'EBUSY', 'EMFILE', 'ENFILE', 'EAGAIN']
const STORAGE = new Set([...DISK_ERRORS, ...MOUNT_ERRORS])
const NETWORK = new Set(['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EAI_AGAIN'])

/** @param code of a DownpourError or of Node; an unknown code is a crash, which is retried */
export function exitCodeOf(code: string): number {
  const known = BY_CODE[code]
  if (known !== undefined) return known
  if (/^(DATA|LABELS?)_/.test(code)) return EXIT.badData
  if (STORAGE.has(code)) return EXIT.storage
  if (code.startsWith('CHECKPOINT_')) return EXIT.badCheckpoint
  return NETWORK.has(code) ? EXIT.peerUnreachable : EXIT.crash
}
