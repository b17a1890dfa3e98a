/** Selects the tfjs backend: the first of tensorflow, webgpu, wasm and cpu that starts. The log says why. */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { DownpourError, errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import { registerConv2DGradient, registerOperations } from './operations.ts'
import { tf } from './tf.ts'
import { wasmOperations } from './wasm.ts'

export const BACKENDS = ['tensorflow', 'webgpu', 'wasm', 'cpu'] as const
export type Backend = (typeof BACKENDS)[number]

export interface SelectedBackend {
  name: Backend
  /** One sentence: the chosen backend, and why each backend before it did not start. */
  reason: string
}

const require = createRequire(import.meta.url)

const STARTERS: Readonly<Record<Backend, () => Promise<void>>> = {
  tensorflow: startTensorFlow,
  webgpu: startWebGpu,
  wasm: startWasm,
  cpu: () => use('cpu'),
}

/** @throws DownpourError BACKEND_UNAVAILABLE when the wanted backend, or with `auto` every backend, fails to start */
export async function selectBackend(wanted: 'auto' | Backend, log: Log): Promise<SelectedBackend> {
  registerConv2DGradient()
  const candidates = wanted === 'auto' ? BACKENDS : [wanted]
  const failures: string[] = []
  for (const name of candidates) {
    try {
      await STARTERS[name]()
      const reason = [`${name} chosen`, ...failures].join('; ')
      if (name === 'cpu') log.warn({ backend: name, reason }, 'training on the plain JavaScript backend is very slow')
      else log.info({ backend: name, reason }, 'backend chosen')
      return { name, reason }
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

async function startTensorFlow(): Promise<void> {
  restoreRemovedHelpers()
  require('@tensorflow/tfjs-node-gpu')
  await use('tensorflow')
}

/** Node 23 removed two helpers of node:util that tfjs-node 4.22 calls in every operation: without them it throws. */
function restoreRemovedHelpers(): void {
  const util = require('node:util') as Record<string, unknown>
  util.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined
  util.isArray ??= Array.isArray
}

/** Uses Dawn for Node. The backend reads navigator.gpu while it is loaded, so navigator is defined first. */
async function startWebGpu(): Promise<void> {
  const { create, globals } = require('webgpu') as { create(flags: string[]): unknown; globals: object }
  Object.assign(globalThis, globals)
  const navigator = { gpu: create([]), userAgent: 'node' }
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true, writable: true })
  require('@tensorflow/tfjs-backend-webgpu')
  await use('webgpu')
}

async function startWasm(): Promise<void> {
  const wasm = require('@tensorflow/tfjs-backend-wasm') as { setWasmPaths(folder: string): void }
  wasm.setWasmPaths(join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist/'))
  registerOperations('wasm', wasmOperations)
  await use('wasm')
}

async function use(name: Backend): Promise<void> {
  if (!(await tf.setBackend(name))) throw new Error('it did not start')
  await tf.ready()
}

function failureOf(error: unknown): string {
  if ((error as { code?: string }).code === 'MODULE_NOT_FOUND') return 'not installed'
  return errorMessage(error).split('\n', 1)[0]?.slice(0, 160) ?? 'unknown'
}
