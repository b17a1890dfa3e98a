/**
 * Native TensorFlow: the C library of a Python wheel under the addon of @tensorflow/tfjs-node-gpu, which is compiled
 * against it. `npm run setup:tensorflow` makes both in the cache; in the images they lie in the package itself.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

export const TENSORFLOW_VERSION = '2.18.0'
export const TENSORFLOW_PACKAGE = '@tensorflow/tfjs-node-gpu'
export const ADDON = 'tfjs_binding.node'
/** Files of the wheel that the addon is linked with; it looks for them in its own folder. */
export const LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'] as const

const require = createRequire(import.meta.url)
/** Where the package itself looks for its addon. */
const ADDON_IN_PACKAGE = join('lib', 'napi-v8', ADDON)

/** gpu: with kernels for GPUs, and with CUDA's libraries beside it. */
export type Variant = 'cpu' | 'gpu'

/** What a set-up makes. Named by its version, so that clones of different versions share a cache. */
export function setUpFolder(cache: string, variant: Variant): string {
  return join(cache, `tensorflow-${TENSORFLOW_VERSION}${variant === 'gpu' ? '-gpu' : ''}`)
}

/** Holds the addons. TensorFlow's library looks for those of CUDA in `../nvidia`, as Python packages are laid out. */
export function tensorflowFolder(cache: string, variant: Variant = 'cpu'): string {
  const folder = setUpFolder(cache, variant)
  return variant === 'gpu' ? join(folder, 'tensorflow') : folder
}

/** Which is loaded: the one for GPUs also computes on CPUs. Undefined: none was set up. */
export function chosenFolder(cache: string): string | undefined {
  const folders = (['gpu', 'cpu'] as const).map((variant) => tensorflowFolder(cache, variant))
  return folders.find((folder) => existsSync(join(folder, ADDON)))
}

/**
 * Loads the addon, which registers the backend `tensorflow`.
 * @param cache the cache root; undefined: only the package itself is searched
 * @returns the folder of the addon
 */
export function loadTensorFlow(cache: string | undefined): string {
  const manifest = require.resolve(`${TENSORFLOW_PACKAGE}/package.json`)
  const addon = findAddon(dirname(manifest), cache)
  restoreRemovedHelpers()
  // The package asks node-pre-gyp for the path of its addon, and node-pre-gyp this module.
  const preBinding = createRequire(manifest)('@mapbox/node-pre-gyp/lib/pre-binding.js') as { find: () => string }
  preBinding.find = () => addon
  require(TENSORFLOW_PACKAGE)
  return dirname(addon)
}

function findAddon(packageFolder: string, cache: string | undefined): string {
  const inPackage = join(packageFolder, ADDON_IN_PACKAGE)
  if (existsSync(inPackage)) return inPackage
  const folder = cache && chosenFolder(cache)
  if (!folder) throw new Error('not set up (`npm run setup:tensorflow` does it)')
  return join(folder, ADDON)
}

/** Node 23 removed two functions that tfjs-node 4.22 calls in every operation. */
function restoreRemovedHelpers(): void {
  const util = require('node:util') as Record<string, unknown>
  util.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined
  util.isArray ??= Array.isArray
}
