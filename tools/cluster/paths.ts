/** Folders of the test cluster: programs are in the user's cache folder, state is in .cache/cluster, which git ignores. */
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheRoot } from '../../src/support/cache-root.mjs'

export const MODULES = fileURLToPath(new URL('./modules', import.meta.url))
/** Clones with the same `DOWNPOUR_CLUSTER_DIR` share one cluster. */
export const CACHE = process.env.DOWNPOUR_CLUSTER_DIR || fileURLToPath(new URL('../../.cache/cluster', import.meta.url))

/** Shared by all clones, because a build takes minutes. */
export const BUILDS = join(cacheRoot(process.env), 'cluster')

/** Built programs, and YAML copied out of Go modules; `down --purge` keeps them. */
export const BIN = join(BUILDS, 'bin')
export const STAMPS = join(BUILDS, 'stamps')
export const MANIFESTS = join(BUILDS, 'manifests')

/** A link to `BIN` for users to put on PATH. */
export const CLONE_BIN = join(CACHE, 'bin')

/** State of one cluster; `down --purge` deletes it. */
export const STATE = join(CACHE, 'state')
export const KUBECONFIG = join(CACHE, 'kubeconfig')
export const PKI = join(STATE, 'pki')
export const RUN = join(STATE, 'run')
export const LOGS = join(STATE, 'logs')

/** PATH for searching and running commands. Some users' PATH lacks the folders of administration commands (ip, iptables). */
export const SEARCH_PATH = [process.env.PATH ?? '', '/usr/sbin', '/sbin'].join(delimiter)
