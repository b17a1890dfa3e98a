import { join } from 'node:path'
import { STEP_FOLDER } from '../contract/files.ts'
import { errorCode, errorMessage } from '../support/errors.ts'
import { isDamage, unreadable } from './damage.ts'
import { type FileSystem, realFileSystem } from './file-system.ts'
import { verifyCheckpoint } from './load.ts'
import type { Manifest } from './manifest.ts'
import { ManifestCache } from './manifest-cache.ts'

/** A folder with a valid manifest. Its shard files are opened only by loading or verifying. */
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

/** Names of all checkpoint folders, valid or not. @throws DownpourError CHECKPOINT_UNREADABLE */
export async function checkpointNames(jobFolder: string, fs: FileSystem = realFileSystem): Promise<string[]> {
  const entries = await fs.readdir(jobFolder).catch((error) => {
    if (errorCode(error) === 'ENOENT') return []
    throw unreadable(jobFolder, error)
  })
  return entries.filter((name) => STEP_FOLDER.test(name)).sort()
}

/**
 * Newest last. Empty if the folder is missing: the job has saved nothing yet.
 * @param cache for callers that list the folder repeatedly
 * @throws DownpourError CHECKPOINT_UNREADABLE if the disk fails: a job must not restart from the beginning, or from an
 * older checkpoint, because of a read error
 */
export async function listCheckpoints(
  jobFolder: string,
  fs: FileSystem = realFileSystem,
  cache: ManifestCache = new ManifestCache(),
): Promise<{ checkpoints: ListedCheckpoint[]; refused: RefusedCheckpoint[] }> {
  const names = await checkpointNames(jobFolder, fs)
  const checkpoints: ListedCheckpoint[] = []
  const refused: RefusedCheckpoint[] = []
  for (const name of names) {
    const folder = join(jobFolder, name)
    try {
      checkpoints.push({ name, folder, ...(await cache.read(folder, fs)) })
    } catch (error) {
      refused.push(refusalOf(name, error))
    }
  }
  cache.keep(new Set(checkpoints.map(({ folder }) => folder)))
  checkpoints.sort((a, b) => a.manifest.step - b.manifest.step)
  return { checkpoints, refused }
}

/**
 * The newest checkpoint that is intact, or null. Damaged ones are skipped and listed in `refused`, which the caller logs
 * as errors.
 * @throws DownpourError CHECKPOINT_UNREADABLE
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
      refused.push(refusalOf(candidate.name, error))
    }
  return { latest: null, refused }
}

/** @throws the error itself if it does not mean damage */
function refusalOf(name: string, error: unknown): RefusedCheckpoint {
  if (!isDamage(error)) throw error
  return { name, code: errorCode(error), reason: errorMessage(error) }
}
