/** Folders of the test cluster: its programs are in the cache of the user, its state is in .cache/cluster, which git ignores. */
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheRoot } from '../../src/support/cache-root.mjs'

export const MODULES = fileURLToPath(new URL('./modules', import.meta.url))
/** `DOWNPOUR_CLUSTER_DIR` lets several clones use one cluster. */
export const CACHE = process.env.DOWNPOUR_CLUSTER_DIR || fileURLToPath(new URL('../../.cache/cluster', import.meta.url))

/** Shared by all clones, because a build takes minutes. */
export const BUILDS = join(cacheRoot(process.env), 'cluster')

/** Kept by `down --purge`: what was built, and CRDs and other YAML out of Go modules. */
export const BIN = join(BUILDS, 'bin')
export const STAMPS = join(BUILDS, 'stamps')
export const MANIFESTS = join(BUILDS, 'manifests')

/** A link to `BIN`, for people's PATH. */
export const CLONE_BIN = join(CACHE, 'bin')

/** Removed by `down --purge`. */
export const STATE = join(CACHE, 'state')
export const KUBECONFIG = join(CACHE, 'kubeconfig')
export const PKI = join(STATE, 'pki')
export const RUN = join(STATE, 'run')
export const LOGS = join(STATE, 'logs')

/** Administration commands (ip, iptables) are not on every user's PATH; root or not, they are looked for and handed on. */
export const SEARCH_PATH = [process.env.PATH ?? '', '/usr/sbin', '/sbin'].join(delimiter)
