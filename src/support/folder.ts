/** Folders that a user names to be written to: made, tried, and refused in one sentence where they cannot be used. */
import { chmodSync, closeSync, mkdirSync, openSync, readdirSync, statSync, unlinkSync, writeSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DownpourError, errorCode, errorMessage } from './errors.ts'

/** Of PATH_MAX, 4096 bytes: the names of files inside need the rest. */
const MAX_PATH_BYTES = 3500
const PROBE_BYTES = 4096
const PRIVATE = 0o700

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota is exhausted',
  ENAMETOOLONG: 'the path is too long',
  ELOOP: 'the path goes through a loop of symbolic links',
  EEXIST: 'it is no folder',
  ENOTDIR: 'it, or what it lies under, is a file',
  ENOENT: 'folders cannot be made there',
  EIO: 'the disk reports an error',
}

export interface FolderUse {
  /** As the user knows it: `--state-dir`. */
  option: string
  /** Of the error. */
  code: string
  /** What the user wrote, where another folder is looked at for it. */
  shown?: string
}

/** Makes the folder where it is missing, and writes a block there for a moment. @throws DownpourError `use.code` */
export function requireFolder(path: string, use: FolderUse): void {
  checkFolderPath(path, use)
  try {
    makeFolder(resolve(path))
    tryWriting(path)
  } catch (error) {
    throw folderError(path, use, error)
  }
}

/** @throws DownpourError `use.code` for what can be no folder's path, whatever the file system holds */
export function checkFolderPath(path: string, use: FolderUse): void {
  if (path.trim() === '' || path.includes('\0')) throw unusable(path, use, 'expected the path of a folder')
  if (Buffer.byteLength(resolve(path)) > MAX_PATH_BYTES) throw unusable(path, use, REASONS.ENAMETOOLONG as string)
}

/** For this user alone, whatever the umask. @param isOurs one that was there before becomes so too */
export function makePrivateFolder(path: string, isOurs: boolean): void {
  if (makeFolder(resolve(path)) || isOurs) chmodSync(path, PRIVATE)
}

/** An error of the file system as a sentence about the folder; any other error as it is. */
export function folderError(path: string, use: FolderUse, error: unknown): unknown {
  const { syscall, path: at } = (error ?? {}) as NodeJS.ErrnoException
  if (syscall === undefined) return error
  const reason = REASONS[errorCode(error)] ?? errorMessage(error)
  const where = at === undefined || dirname(at) === resolve(path) || at === resolve(path) ? '' : ` (${at})`
  return unusable(path, use, `${reason}${where}`, error)
}

/**
 * A level at a time: `mkdir` with `recursive` asks for ever where the kernel says that the parent is missing while it is
 * there, as under /proc. @returns whether it was made
 */
function makeFolder(path: string): boolean {
  try {
    if (statSync(path).isDirectory()) return false
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
    if (dirname(path) !== path) makeFolder(dirname(path))
  }
  try {
    mkdirSync(path)
    return true
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if (errorCode(error) === 'EEXIST' && statSync(path, { throwIfNoEntry: false })?.isDirectory()) return false
    throw error
  }
}

function tryWriting(path: string): void {
  readdirSync(path)
  const file = join(path, `.downpour-probe-${process.pid}`)
  const handle = openSync(file, 'w')
  try {
    writeSync(handle, Buffer.alloc(PROBE_BYTES))
  } finally {
    closeSync(handle)
    unlinkSync(file)
  }
}

function unusable(path: string, use: FolderUse, reason: string, cause?: unknown): DownpourError {
  const { option, code, shown: whole = path } = use
  const shown = whole.length <= 200 ? whole : `${whole.slice(0, 200)}…`
  return new DownpourError(code, `${option} ${JSON.stringify(shown)}: ${reason}`, { path: shown }, { cause })
}
