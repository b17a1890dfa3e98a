/** The state folder of a local run: usable, and this user's alone. */
import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { folderError, makePrivateFolder, requireFolder } from '../support/folder.ts'

const USE = { option: '--state-dir', code: 'STATE_DIR_UNUSABLE' }
/** What a run makes there. */
const FOLDERS = ['state', 'logs', 'termination', 'volumes', 'data', 'compile-cache']
const FILES = ['lock', 'kubeconfig', 'hosts.json', 'runtime-key', 'results.json', 'report.html']

/**
 * A folder that holds what is not ours, such as /tmp or a home, stays as open as it is, and so do folders of the user's
 * in it: what we make there is closed in any case. @throws DownpourError STATE_DIR_UNUSABLE
 */
export function prepareStateDir(stateDir: string): void {
  requireFolder(stateDir, USE)
  try {
    const known = new Set([...FOLDERS, ...FILES, ...FILES.map((name) => `${name}.tmp`)])
    const isOurs = readdirSync(stateDir).every((name) => known.has(name))
    makePrivateFolder(stateDir, isOurs)
    for (const name of FOLDERS) makePrivateFolder(join(stateDir, name), isOurs)
  } catch (error) {
    throw folderError(stateDir, USE, error)
  }
}

/** What went wrong with a file in it, in words; any other error as it is. */
export function stateDirError(stateDir: string, error: unknown): unknown {
  const { path = '' } = (error ?? {}) as NodeJS.ErrnoException
  return resolve(path).startsWith(resolve(stateDir)) ? folderError(stateDir, USE, error) : error
}
