/** Makes a data set in a new folder, so that a run that fails or is stopped leaves no part of one. */
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { DownpourError, errorCode } from '../../support/errors.ts'
import { checkFolderPath, type FolderUse, folderError, requireFolder } from '../../support/folder.ts'
import { isSystem } from '../scan/names.ts'

/** Its presence says that a data set is complete. */
export const FACTS_FILE = 'dataset.json'
const USE: FolderUse = { option: '--out', code: 'DATA_OUT_UNUSABLE' }
const MAKING = '.making'

/**
 * A new folder is renamed into place at the end. An existing one is filled, because the root of a volume cannot be
 * replaced, and `dataset.json` is written last.
 * @param out must be empty or not exist
 * @param build writes the data into the folder that it gets. @returns the contents of dataset.json
 * @throws DownpourError DATA_OUT_NOT_EMPTY, DATA_OUT_UNUSABLE; what `build` throws
 */
export async function makeNewFolder(out: string, build: (folder: string) => Promise<object>): Promise<void> {
  checkFolderPath(out, USE)
  const target = resolve(out)
  const isThere = await isFolder(target)
  const building = isThere ? join(target, MAKING) : `${target}${MAKING}`
  try {
    requireFolder(dirname(building), { ...USE, shown: out })
    await rm(building, { recursive: true, force: true })
    await mkdir(building)
    const facts = await build(building)
    await writeFile(join(building, FACTS_FILE), `${JSON.stringify(facts, null, 2)}\n`)
    if (isThere) await moveParts(building, target)
    else await rename(building, target)
  } catch (error) {
    await rm(building, { recursive: true, force: true }).catch(() => {}) // the first error is the one to report
    throw folderError(out, USE, error)
  }
}

async function moveParts(from: string, to: string): Promise<void> {
  const parts = (await readdir(from)).filter((name) => name !== FACTS_FILE)
  for (const name of [...parts, FACTS_FILE]) await rename(join(from, name), join(to, name))
  await rm(from, { recursive: true })
}

/**
 * False if nothing is at the path.
 * @throws DownpourError DATA_OUT_NOT_EMPTY, so that existing files are never changed
 */
async function isFolder(out: string): Promise<boolean> {
  try {
    const entries = await readdir(out)
    // Leftovers of a file system or of a killed run are not data.
    if (entries.every((name) => isSystem(name) || name === MAKING)) return true
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw folderError(out, USE, error)
  }
  const message = `--out ${out}: is not empty; choose a new folder, or remove this one first`
  throw new DownpourError('DATA_OUT_NOT_EMPTY', message, { out })
}
