/** The Go modules that the cluster is built from. Each has its own folder, because their dependencies' versions conflict. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DownpourError } from '../../src/support/errors.ts'
import { MODULES } from './paths.ts'

const KUBERNETES = 'kubernetes-'
const DEFAULT_MINOR = '1.34'

export function moduleFile(folder: string): string {
  return readFileSync(join(MODULES, folder, 'go.mod'), 'utf8')
}

/** Returns the version of module `path` that a folder's go.mod requires, without the leading v. */
export function versionOf(folder: string, path: string): string {
  const line = moduleFile(folder)
    .split('\n')
    .map((text) =>
      text
        .trim()
        .replace(/^require /, '')
        .split(' '),
    )
    .find(([name, version]) => name === path && version?.startsWith('v'))
  if (!line?.[1]) throw new DownpourError('BUG_NO_VERSION', `${folder}/go.mod does not require ${path}`)
  return line[1].slice(1)
}

/** Returns a digest of everything in the folder, which all its builds depend on. */
export function moduleHash(folder: string): string {
  const hash = createHash('sha256')
  const path = join(MODULES, folder)
  for (const file of readdirSync(path).sort()) hash.update(readFileSync(join(path, file)))
  return hash.digest('hex').slice(0, 16)
}

/** Returns the minor version, such as `1.34`, for `1.34`, `1.34.4` or `v1.34.4`; without an argument, the default. */
export function kubernetesMinor(wanted: string = DEFAULT_MINOR): string {
  const folders = readdirSync(MODULES).filter((folder) => folder.startsWith(KUBERNETES))
  const known = folders.map((folder) => ({
    minor: folder.slice(KUBERNETES.length),
    version: versionOf(folder, 'k8s.io/kubernetes'),
  }))
  const plain = wanted.replace(/^v/, '')
  const found = known.find(({ minor, version }) => plain === minor || plain === version)
  if (found) return found.minor
  const offered = known.map(({ version }) => version).join(', ')
  const advice = `expected --version to be one of ${offered}; to add one, make a folder in tools/cluster/modules`
  throw new DownpourError('UNKNOWN_VERSION', `${advice}; got \`${wanted}\``, { wanted, offered })
}
