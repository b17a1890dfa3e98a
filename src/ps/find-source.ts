/** Finds a checkpoint on a volume: in the folder that `spec.from.volume.path` names, or in a `step-…` folder inside it. */
import { join } from 'node:path'
import { isDamage, unreadable } from '../checkpoint/damage.ts'
import type { FileSystem } from '../checkpoint/file-system.ts'
import { checkpointNames, findLatest, type RefusedCheckpoint } from '../checkpoint/list.ts'
import { verifyCheckpoint } from '../checkpoint/load.ts'
import { MANIFEST_FILE, type Manifest } from '../checkpoint/manifest.ts'
import { readManifest } from '../checkpoint/read-manifest.ts'
import { DownpourError, errorCode } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import { printable } from '../support/printable.ts'

export interface SourceCheckpoint {
  /** Its folder, relative to the volume. */
  path: string
  manifest: Manifest
  digest: string
}

export interface SourceFolder {
  /** The mounted volume. */
  sourceDir: string
  /** Relative to the volume. */
  path: string
  fs: FileSystem
}

const NOT_THERE = new Set(['ENOENT', 'ENOTDIR', 'ELOOP'])
const NAMES_SHOWN = 5

/**
 * The checkpoint of the folder itself, or the newest intact one inside it. Damaged ones inside it are skipped and logged.
 * @throws DownpourError CHECKPOINT_NOT_FOUND, CHECKPOINT_NONE_WHOLE, and the errors of verifyCheckpoint
 */
export async function findNewest({ sourceDir, path, fs }: SourceFolder, log: Log): Promise<SourceCheckpoint> {
  const folder = join(sourceDir, path)
  await mustBeFolder(folder, fs)
  if (await isThere(join(folder, MANIFEST_FILE), fs)) return { path, ...(await verifyCheckpoint(folder, fs)) }
  const { latest, refused } = await findLatest(folder, fs)
  for (const checkpoint of refused) log.error({ ...checkpoint, folder }, 'checkpoint refused')
  if (!latest) throw await nothingIn(folder, refused, fs)
  return { path: join(path, latest.name), manifest: latest.manifest, digest: latest.digest }
}

/**
 * The checkpoint with this digest, verified.
 * @throws DownpourError CHECKPOINT_SOURCE_GONE, and the errors of verifyCheckpoint
 */
export async function findDigest(place: SourceFolder, digest: string): Promise<SourceCheckpoint> {
  const { sourceDir, path, fs } = place
  const folder = join(sourceDir, path)
  const names = (await isThere(join(folder, MANIFEST_FILE), fs)) ? ['.'] : await namesIn(folder, fs)
  for (const name of names.reverse()) {
    const at = join(folder, name)
    if ((await digestOf(at, fs)) === digest) return { path: join(path, name), ...(await verifyCheckpoint(at, fs)) }
  }
  const message = `the checkpoint that this job started from (sha256 ${digest}) is no longer in ${folder}: put it back, or make a new job`
  throw new DownpourError('CHECKPOINT_SOURCE_GONE', message, { folder, digest })
}

async function namesIn(folder: string, fs: FileSystem): Promise<string[]> {
  return (await isThere(folder, fs)) ? checkpointNames(folder, fs) : []
}

/** Undefined for a damaged checkpoint. @throws DownpourError CHECKPOINT_UNREADABLE */
async function digestOf(folder: string, fs: FileSystem): Promise<string | undefined> {
  const read = await readManifest(folder, fs).catch((error) => {
    if (!isDamage(error)) throw error
  })
  return read?.digest
}

async function mustBeFolder(folder: string, fs: FileSystem): Promise<void> {
  const found = await fs.stat(folder).catch((error) => {
    if (NOT_THERE.has(errorCode(error))) throw notFound(folder, 'does not exist')
    throw unreadable(folder, error)
  })
  if (!found.isDirectory()) throw notFound(folder, 'is not a folder')
}

async function isThere(path: string, fs: FileSystem): Promise<boolean> {
  try {
    await fs.stat(path)
    return true
  } catch (error) {
    if (NOT_THERE.has(errorCode(error))) return false
    throw unreadable(path, error)
  }
}

async function nothingIn(
  folder: string,
  [first, ...more]: readonly RefusedCheckpoint[],
  fs: FileSystem,
): Promise<DownpourError> {
  if (first) {
    const others = more.length > 0 ? `, and ${more.length} more are not intact either` : ''
    const message = `no checkpoint in ${folder} is intact: ${first.name}: ${first.reason}${others}`
    return new DownpourError('CHECKPOINT_NONE_WHOLE', message, { folder })
  }
  const names = (await fs.readdir(folder)).sort().map((name) => printable(name))
  const shown = names.slice(0, NAMES_SHOWN).join(', ') || 'nothing'
  const rest = names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : ''
  return notFound(
    folder,
    `contains no checkpoint, which is a folder with ${MANIFEST_FILE}; it contains ${shown}${rest}`,
  )
}

function notFound(folder: string, what: string): DownpourError {
  const advice = 'name the folder of a checkpoint, or the folder that contains step-… folders'
  return new DownpourError('CHECKPOINT_NOT_FOUND', `${folder} ${what}: ${advice}`, { folder })
}
