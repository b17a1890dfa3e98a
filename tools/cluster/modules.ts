/** The Go modules that carry the cluster: one folder each, because the versions of their dependencies clash. */
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

/** The version that a folder's go.mod requires of `path`, without its leading v. */
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

/** Changes when anything changes that the folder's builds depend on. */
export function moduleHash(folder: string): string {
  const hash = createHash('sha256')
  const path = join(MODULES, folder)
  for (const file of readdirSync(path).sort()) hash.update(readFileSync(join(path, file)))
  return hash.digest('hex').slice(0, 16)
}

/** The minor version (`1.34`) that a user means by `1.34`, `1.34.4`, `v1.34.4`, or nothing. */
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
  const advice = `expected --version to be one of ${offered}; another needs a folder in tools/cluster/modules`
  throw new DownpourError('UNKNOWN_VERSION', `${advice}; got \`${wanted}\``, { wanted, offered })
}
