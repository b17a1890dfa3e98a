/** The backends that gradients are tested on: WASM, and native TensorFlow where `npm run setup:tensorflow` was run. */
import { cacheRoot } from '../../src/support/cache-root.mjs'
import { silentLog } from '../../src/support/log.ts'
import { selectBackend } from '../../src/tensor/backend.ts'
import { chosenFolder } from '../../src/tensor/tensorflow.ts'

export type GradientBackend = 'wasm' | 'tensorflow'
export const GRADIENT_BACKENDS: readonly GradientBackend[] = ['wasm', 'tensorflow']

/** @returns false where the backend is not set up; the test then skips. */
export async function useBackend(name: GradientBackend): Promise<boolean> {
  const cache = cacheRoot(process.env)
  if (name === 'tensorflow' && chosenFolder(cache) === undefined) return false
  await selectBackend(name, silentLog, cache)
  return true
}
