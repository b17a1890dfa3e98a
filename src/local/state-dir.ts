/** Prepares the state folder of a local run: writable, and closed to other users. */
import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { folderError, makePrivateFolder, requireFolder } from '../support/folder.ts'

const USE = { option: '--state-dir', code: 'STATE_DIR_UNUSABLE' }
/** Folders and files that a run creates in it. */
const FOLDERS = ['state', 'logs', 'termination', 'volumes', 'data', 'compile-cache', 'prometheus']
const FILES = ['lock', 'kubeconfig', 'hosts.json', 'runtime-key', 'results.json', 'report.html', 'prometheus.yml']

/**
 * Closes the folder to other users, unless it holds other files too: /tmp or a home keeps its mode, and so do the user's
 * folders in it. Folders that a run creates are always closed. @throws DownpourError STATE_DIR_UNUSABLE
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

/** Explains an error about a file in the state folder; returns any other error unchanged. */
export function stateDirError(stateDir: string, error: unknown): unknown {
  const { path = '' } = (error ?? {}) as NodeJS.ErrnoException
  return resolve(path).startsWith(resolve(stateDir)) ? folderError(stateDir, USE, error) : error
}
