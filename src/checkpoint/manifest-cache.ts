import { join } from 'node:path'
import type { FileSystem } from './file-system.ts'
import { MANIFEST_FILE, type Manifest } from './manifest.ts'
import { readManifest } from './read-manifest.ts'

interface Read {
  manifest: Manifest
  digest: string
}

/** Manifests do not change, so each is read once, and again only after its file was replaced. */
export class ManifestCache {
  readonly #known = new Map<string, { stamp: string; read: Read }>()

  /** @throws as readManifest */
  async read(folder: string, fs: FileSystem): Promise<Read> {
    const stamp = await stampOf(join(folder, MANIFEST_FILE), fs)
    const known = this.#known.get(folder)
    if (known && known.stamp === stamp) return known.read
    this.#known.delete(folder)
    const read = await readManifest(folder, fs)
    if (stamp !== undefined) this.#known.set(folder, { stamp, read })
    return read
  }

  /** Drops all other folders. */
  keep(folders: ReadonlySet<string>): void {
    for (const folder of this.#known.keys()) if (!folders.has(folder)) this.#known.delete(folder)
  }
}

/** Undefined if the file cannot be inspected; reading it gives the reason. */
async function stampOf(path: string, fs: FileSystem): Promise<string | undefined> {
  const found = await fs.stat(path).catch(() => undefined)
  return found && `${found.ino}-${found.size}-${found.mtimeMs}`
}
