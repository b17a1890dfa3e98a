import { join } from 'node:path'
import { errorCode, errorMessage } from '../support/errors.ts'
import { type FileSystem, realFileSystem } from './file-system.ts'
import { verifyCheckpoint } from './load.ts'
import { type Manifest, readManifest } from './manifest.ts'

/** A folder whose manifest reads well; its shard files are not opened until it is loaded or verified. */
export interface ListedCheckpoint {
  /** Name of the folder inside the job's folder: `step-000001500`. */
  name: string
  folder: string
  manifest: Manifest
  digest: string
}

export interface RefusedCheckpoint {
  name: string
  code: string
  reason: string
}

const STEP_FOLDER = /^step-\d{9,}$/

/**
 * Newest last. A folder that is missing is a job that saved nothing yet.
 * @throws Node's error when it is there and cannot be read: a job must not start anew because a disk failed.
 */
export async function listCheckpoints(
  jobFolder: string,
  fs: FileSystem = realFileSystem,
): Promise<{ checkpoints: ListedCheckpoint[]; refused: RefusedCheckpoint[] }> {
  const entries = await fs.readdir(jobFolder).catch((error) => {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  })
  const names = entries.filter((name) => STEP_FOLDER.test(name)).sort()
  const checkpoints: ListedCheckpoint[] = []
  const refused: RefusedCheckpoint[] = []
  for (const name of names) {
    const folder = join(jobFolder, name)
    try {
      checkpoints.push({ name, folder, ...(await readManifest(folder, fs)) })
    } catch (error) {
      refused.push({ name, code: errorCode(error), reason: errorMessage(error) })
    }
  }
  checkpoints.sort((a, b) => a.manifest.step - b.manifest.step)
  return { checkpoints, refused }
}

/**
 * The newest checkpoint of which every byte is right, or null. Torn, truncated and damaged ones are passed over and
 * named in `refused`: the caller says so loudly.
 */
export async function findLatest(
  jobFolder: string,
  fs: FileSystem = realFileSystem,
): Promise<{ latest: ListedCheckpoint | null; refused: RefusedCheckpoint[] }> {
  const { checkpoints, refused } = await listCheckpoints(jobFolder, fs)
  for (const candidate of checkpoints.reverse())
    try {
      await verifyCheckpoint(candidate.folder, fs)
      return { latest: candidate, refused }
    } catch (error) {
      refused.push({ name: candidate.name, code: errorCode(error), reason: errorMessage(error) })
    }
  return { latest: null, refused }
}
