/** Where everything of the test cluster lies: what was built in the user's cache folder, the cluster itself under .cache/cluster, which git ignores. */
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const MODULES = fileURLToPath(new URL('./modules', import.meta.url))
/** `DOWNPOUR_CLUSTER_DIR` lets several clones use one cluster. */
export const CACHE = process.env.DOWNPOUR_CLUSTER_DIR || fileURLToPath(new URL('../../.cache/cluster', import.meta.url))

/** Shared by all clones, for a build takes minutes: `DOWNPOUR_CACHE_DIR`, or `downpour` in the user's cache folder. */
export const USER_CACHE =
  process.env.DOWNPOUR_CACHE_DIR || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'downpour')
export const BUILDS = join(USER_CACHE, 'cluster')

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
