/** Where everything of the test cluster lies: under .cache/cluster, which git ignores. */
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const MODULES = fileURLToPath(new URL('./modules', import.meta.url))
export const CACHE = fileURLToPath(new URL('../../.cache/cluster', import.meta.url))

/** Kept by `down --purge`: what was built, and CRDs and other YAML out of Go modules. */
export const BIN = join(CACHE, 'bin')
export const STAMPS = join(CACHE, 'stamps')
export const MANIFESTS = join(CACHE, 'manifests')

/** Removed by `down --purge`. */
export const STATE = join(CACHE, 'state')
export const KUBECONFIG = join(CACHE, 'kubeconfig')
export const PKI = join(STATE, 'pki')
export const RUN = join(STATE, 'run')
export const LOGS = join(STATE, 'logs')

/** Administration commands (ip, iptables) are not on every user's PATH; root or not, they are looked for and handed on. */
export const SEARCH_PATH = [process.env.PATH ?? '', '/usr/sbin', '/sbin'].join(delimiter)
