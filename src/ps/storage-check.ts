/** Checks before training that checkpoints can be written. Otherwise a job would fail only at its first checkpoint. */
import { join } from 'node:path'
import { commitFile, makeFolder } from '../checkpoint/commit.ts'
import type { FileSystem } from '../checkpoint/file-system.ts'
import { DownpourError, errorCode, errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'

/** Errors that a retry does not change. A disk that is full now may have room by the first checkpoint. */
const REFUSED = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST'])

/**
 * @param index of the shard, because all shards write to the same folder at the same time
 * @throws DownpourError CHECKPOINT_NOT_WRITABLE
 */
export async function assertWritable(jobFolder: string, index: number, fs: FileSystem, log: Log): Promise<void> {
  const trial = join(jobFolder, `.trial-${index}`)
  try {
    await makeFolder(jobFolder, fs)
    await commitFile(trial, [], fs)
    await fs.unlink(trial)
  } catch (error) {
    const reason = errorMessage(error)
    if (!REFUSED.has(errorCode(error))) return log.warn({ jobFolder, reason }, 'checkpoints cannot be written now')
    const advice = `let uid ${process.getuid?.()} write there (an fsGroup for the pods, or no readOnly volume)`
    const message = `spec.checkpoint.storage: ${jobFolder} cannot be written: ${reason}; ${advice}`
    throw new DownpourError('CHECKPOINT_NOT_WRITABLE', message, { jobFolder }, { cause: error })
  }
}
