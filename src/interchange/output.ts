/** Output that appears whole or not at all, and never in place of something else. */
import { randomBytes } from 'node:crypto'
import { lstat, mkdir, rename, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { syncFolder } from '../checkpoint/commit.ts'
import { DownpourError, errorCode, errorMessage } from '../support/errors.ts'
import { storageErrorReason } from '../support/storage.ts'

/**
 * Calls `write` with a new hidden folder beside `target`, then moves what it returns, the folder or a file in it, to
 * `target`. Whatever happens, the hidden folder is gone afterwards.
 * @throws DownpourError OUTPUT_EXISTS, OUTPUT_UNUSABLE; what `write` throws
 */
export async function writeOutput(target: string, write: (folder: string) => Promise<string>): Promise<void> {
  await assertFree(target)
  const parent = dirname(resolve(target))
  const folder = join(parent, `.${basename(target)}-${randomBytes(4).toString('hex')}`)
  const created = await makeFolders(folder, target)
  try {
    const written = await write(folder)
    await assertFree(target)
    await rename(written, target)
    await syncFolder(parent)
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    await removeEmpty(parent, created)
    throw storageErrorReason(error) === undefined ? error : unusable(target, error)
  }
  await rm(folder, { recursive: true, force: true })
}

/** @throws DownpourError OUTPUT_EXISTS, OUTPUT_UNUSABLE for a text that names no file */
export async function assertFree(target: string): Promise<void> {
  if (target.trim() === '' || target.endsWith('/')) {
    const message = `${JSON.stringify(target)}: expected the path of a new file`
    throw new DownpourError('OUTPUT_UNUSABLE', message, { target })
  }
  const found = await lstat(target).catch(() => undefined)
  if (found) throw new DownpourError('OUTPUT_EXISTS', `${target} exists; nothing was written`, { target })
}

/** @returns the first folder that it created above `folder` */
async function makeFolders(folder: string, target: string): Promise<string | undefined> {
  try {
    const created = await mkdir(dirname(folder), { recursive: true })
    await mkdir(folder)
    return created
  } catch (cause) {
    throw unusable(target, cause)
  }
}

function unusable(target: string, cause: unknown): DownpourError {
  const reason = storageErrorReason(cause) ?? errorMessage(cause)
  return new DownpourError('OUTPUT_UNUSABLE', `${target} cannot be written: ${reason}`, { target }, { cause })
}

/** Removes the folders from `folder` up to `first` that are empty. */
async function removeEmpty(folder: string, first: string | undefined): Promise<void> {
  if (first === undefined || folder.length < first.length) return
  try {
    await rmdir(folder)
  } catch (error) {
    if (errorCode(error) === 'ENOTEMPTY') return
    throw error
  }
  await removeEmpty(dirname(folder), first)
}
