/** Reads manifest.json, and refuses an inconsistent one. */
import { basename, dirname, join, resolve } from 'node:path'
import { sha256Of } from '../support/digest.ts'
import { DownpourError, errorCode } from '../support/errors.ts'
import { inconsistencyIn } from './consistency.ts'
import { unreadable } from './damage.ts'
import { type FileSystem, realFileSystem } from './file-system.ts'
import { MANIFEST_FILE, Manifest } from './manifest.ts'
import { readSmallFile } from './small-file.ts'

/** More than a manifest of 200 parameter servers, 5000 workers and 100,000 variables has. */
const MAX_MANIFEST_BYTES = 256 << 20
/** A folder without a manifest is removed later; anything else in place of the manifest or the folder is kept. */
const NOT_THERE: Readonly<Record<string, string>> = {
  ENOENT: 'CHECKPOINT_NO_MANIFEST',
  NOT_A_FILE: 'CHECKPOINT_BAD_MANIFEST',
}

/** @throws DownpourError CHECKPOINT_NO_MANIFEST | _BAD_MANIFEST; CHECKPOINT_UNREADABLE for errors of the disk */
export async function readManifest(
  folder: string,
  fs: FileSystem = realFileSystem,
): Promise<{ manifest: Manifest; digest: string }> {
  const path = join(folder, MANIFEST_FILE)
  const bytes = await readSmallFile(path, MAX_MANIFEST_BYTES, fs).catch((cause) => {
    const code = NOT_THERE[errorCode(cause)]
    if (!code) throw unreadable(path, cause)
    throw new DownpourError(code, `${path} cannot be read: ${cause.message}`, { path }, { cause })
  })
  return { manifest: parseManifest(bytes, path), digest: sha256Of(bytes) }
}

function parseManifest(bytes: Buffer, path: string): Manifest {
  const bad = (reason: string, cause?: unknown) =>
    new DownpourError('CHECKPOINT_BAD_MANIFEST', `${path} is not a manifest: ${reason}`, { path }, { cause })
  let raw: unknown
  try {
    raw = JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw bad('it is not JSON', cause)
  }
  const parsed = Manifest.safeParse(raw)
  if (parsed.success) return sensible(parsed.data, path, bad)
  const [issue] = parsed.error.issues
  throw bad(`${issue?.path.join('.')}: ${issue?.message}`)
}

function sensible(manifest: Manifest, path: string, bad: (reason: string) => DownpourError): Manifest {
  const nonsense = inconsistencyIn(manifest, basename(dirname(resolve(path))))
  if (nonsense === undefined) return manifest
  throw bad(nonsense)
}
