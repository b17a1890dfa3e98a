/** Folders that a user names for output: creates them, tests that they can be written, and explains in one sentence why not. */
import { chmodSync, closeSync, mkdirSync, openSync, readdirSync, statSync, unlinkSync, writeSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DownpourError, errorCode, errorMessage } from './errors.ts'
import { STORAGE_REASONS } from './storage.ts'

/** Below PATH_MAX (4096 bytes), because the names of files in the folder need the rest. */
const MAX_PATH_BYTES = 3500
const PROBE_BYTES = 4096
const PRIVATE = 0o700

const REASONS: Readonly<Record<string, string>> = {
  ...STORAGE_REASONS,
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  ENAMETOOLONG: 'the path is too long',
  ELOOP: 'the path goes through a loop of symbolic links',
  EEXIST: 'it is not a folder',
  ENOTDIR: 'the path, or one of its parents, is a file',
  ENOENT: 'folders cannot be created there',
}

export interface FolderUse {
  /** The option that named the folder: `--state-dir`. */
  option: string
  /** Code of the DownpourError. */
  code: string
  /** What the user wrote, when the checked folder is another one (a parent, for example). */
  shown?: string
}

/** Creates the folder if it is missing, and writes and removes a small file in it. @throws DownpourError `use.code` */
export function requireFolder(path: string, use: FolderUse): void {
  checkFolderPath(path, use)
  try {
    makeFolder(resolve(path))
    tryWriting(path)
  } catch (error) {
    throw folderError(path, use, error)
  }
}

/** @throws DownpourError `use.code` for a text that cannot be a path on any file system */
export function checkFolderPath(path: string, use: FolderUse): void {
  if (path.trim() === '' || path.includes('\0')) throw unusable(path, use, 'expected the path of a folder')
  if (Buffer.byteLength(resolve(path)) > MAX_PATH_BYTES) throw unusable(path, use, REASONS.ENAMETOOLONG as string)
}

/** Mode 0700 whatever the umask. @param isOurs also changes the mode of a folder that existed before */
export function makePrivateFolder(path: string, isOurs: boolean): void {
  if (makeFolder(resolve(path)) || isOurs) chmodSync(path, PRIVATE)
}

/** Turns an error of the file system into a sentence about the folder; returns any other error unchanged. */
export function folderError(path: string, use: FolderUse, error: unknown): unknown {
  const { syscall, path: at } = (error ?? {}) as NodeJS.ErrnoException
  if (syscall === undefined) return error
  const reason = REASONS[errorCode(error)] ?? errorMessage(error)
  const where = at === undefined || dirname(at) === resolve(path) || at === resolve(path) ? '' : ` (${at})`
  return unusable(path, use, `${reason}${where}`, error)
}

/**
 * Creates one level at a time, because `mkdir` with `recursive` loops for ever where the kernel answers ENOENT although
 * the parent exists, as under /proc. @returns whether it created the folder
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
    // Another process may have created it meanwhile.
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
