/** The checkpoint volume is tried before training: a job that cannot save would find out at its first checkpoint. */
import { join } from 'node:path'
import { commitFile, makeFolder } from '../checkpoint/commit.ts'
import type { FileSystem } from '../checkpoint/file-system.ts'
import { DownpourError, errorCode, errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'

/** What no further attempt mends. A disk that is full or broken just now may have room when it is time to save. */
const REFUSED = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST'])

/**
 * @param index of the shard: all of them write to one folder at the same time
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
