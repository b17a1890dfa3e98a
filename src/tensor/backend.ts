/** Selects the tfjs backend: the first of tensorflow, webgpu, wasm and cpu that starts. The log says why. */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { DownpourError, errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import { loadGraphAddon } from './graph/session.ts'
import { nodeBackend } from './node-backend.ts'
import { registerConv2DGradient, registerOperations } from './operations.ts'
import { loadTensorFlow } from './tensorflow.ts'
import { tensorflowOperations } from './tensorflow-operations.ts'
import { tf } from './tf.ts'
import { wasmOperations } from './wasm.ts'
import { kernels } from './wasm-heap.ts'
import { replaceKernels } from './wasm-kernels.ts'

export const BACKENDS = ['tensorflow', 'webgpu', 'wasm', 'cpu'] as const
export type Backend = (typeof BACKENDS)[number]

export interface SelectedBackend {
  name: Backend
  /** One sentence: the chosen backend, and why each backend before it did not start. */
  reason: string
  usesGpu: boolean
}

const require = createRequire(import.meta.url)

/** Each returns where its native files were found, if it has any. */
const STARTERS: Readonly<Record<Backend, (cache?: string) => Promise<string | undefined>>> = {
  tensorflow: startTensorFlow,
  webgpu: startWebGpu,
  wasm: startWasm,
  cpu: () => use('cpu'),
}

/**
 * @param cache the cache root, where `npm run setup:tensorflow` keeps TensorFlow
 * @throws DownpourError BACKEND_UNAVAILABLE when the wanted backend, or with `auto` every backend, fails to start
 */
export async function selectBackend(wanted: 'auto' | Backend, log: Log, cache?: string): Promise<SelectedBackend> {
  registerConv2DGradient()
  const candidates = wanted === 'auto' ? BACKENDS : [wanted]
  const failures: string[] = []
  for (const name of candidates) {
    try {
      const folder = await STARTERS[name](cache)
      const chosen = folder === undefined ? `${name} chosen` : `${name} chosen (from ${folder})`
      const reason = [chosen, ...failures].join('; ')
      if (name === 'cpu') log.warn({ backend: name, reason }, 'training on the plain JavaScript backend is very slow')
      else log.info({ backend: name, reason }, 'backend chosen')
      return { name, reason, usesGpu: usesGpu(name) }
    } catch (error) {
      failures.push(`${name}: ${failureOf(error)}`)
    }
  }
  throw new DownpourError(
    'BACKEND_UNAVAILABLE',
    `spec.runtime.backend: ${wanted}: not available here (${failures.join('; ')}); install it or choose auto`,
    { wanted, failures },
  )
}

/** Where Dawn computes is not known, so WebGPU is trusted. */
function usesGpu(name: Backend): boolean {
  return name === 'webgpu' || (name === 'tensorflow' && nodeBackend().isUsingGpuDevice)
}

async function startTensorFlow(cache?: string): Promise<string> {
  const folder = loadTensorFlow(cache)
  loadGraphAddon(folder)
  registerOperations('tensorflow', tensorflowOperations)
  await use('tensorflow')
  return folder
}

/** Uses Dawn for Node. The backend reads navigator.gpu while it is loaded, so navigator is defined first. */
async function startWebGpu(): Promise<undefined> {
  const { create, globals } = require('webgpu') as { create(flags: string[]): unknown; globals: object }
  Object.assign(globalThis, globals)
  const navigator = { gpu: create([]), userAgent: 'node' }
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true, writable: true })
  require('@tensorflow/tfjs-backend-webgpu')
  await use('webgpu')
}

async function startWasm(): Promise<undefined> {
  const wasm = require('@tensorflow/tfjs-backend-wasm') as { setWasmPaths(folder: string): void }
  wasm.setWasmPaths(join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist/'))
  registerOperations('wasm', wasmOperations)
  replaceKernels()
  await use('wasm')
  kernels()
}

async function use(name: Backend): Promise<undefined> {
  if (!(await tf.setBackend(name))) throw new Error('it did not start')
  await tf.ready()
}

function failureOf(error: unknown): string {
  if ((error as { code?: string }).code === 'MODULE_NOT_FOUND') return 'not installed'
  return errorMessage(error).split('\n', 1)[0]?.slice(0, 160) ?? 'unknown'
}
