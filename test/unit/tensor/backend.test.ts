import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { cacheRoot } from '../../../src/support/cache-root.mjs'
import type { Log } from '../../../src/support/log.ts'
import { silentLog } from '../../../src/support/log.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { chosenFolder, tensorflowFolder } from '../../../src/tensor/tensorflow.ts'
import { tf } from '../../../src/tensor/tf.ts'

const require = createRequire(import.meta.url)
const OPTIONAL = { tensorflow: '@tensorflow/tfjs-node-gpu', webgpu: 'webgpu' } as const
const absent = (Object.keys(OPTIONAL) as (keyof typeof OPTIONAL)[]).filter((name) => !isInstalled(OPTIONAL[name]))

function isInstalled(name: string): boolean {
  try {
    return require.resolve(name) !== ''
  } catch {
    return false
  }
}

function recordingLog(): { log: Log; lines: { level: string; facts: object; message: string }[] } {
  const lines: { level: string; facts: object; message: string }[] = []
  const at = (level: string) => (facts: object, message: string) => void lines.push({ level, facts, message })
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => log }
  return { log, lines }
}

test('auto selects the first backend that starts and says why those before it did not', async () => {
  const { log, lines } = recordingLog()
  const { name, reason } = await selectBackend('auto', log)
  assert.equal(tf.getBackend(), name)
  assert.match(reason, new RegExp(`^${name} chosen`))
  for (const missing of absent) assert.match(reason, new RegExp(`${missing}: not installed`))
  assert.deepEqual(lines, [{ level: 'info', facts: { backend: name, reason }, message: 'backend chosen' }])
})

test('a backend that the job names is selected, whichever backends come before it', async () => {
  for (const wanted of ['wasm', 'cpu', 'wasm'] as const) {
    assert.deepEqual(await selectBackend(wanted, silentLog), {
      name: wanted,
      reason: `${wanted} chosen`,
      usesGpu: false,
    })
    assert.equal(tf.getBackend(), wanted)
  }
})

test('plain JavaScript is selected with a warning', async () => {
  const { log, lines } = recordingLog()
  await selectBackend('cpu', log)
  assert.deepEqual(
    lines.map(({ level, message }) => ({ level, message })),
    [{ level: 'warn', message: 'training on the plain JavaScript backend is very slow' }],
  )
})

test('a backend that is not installed is refused with the field, the reason and a remedy', async (t) => {
  if (absent.length === 0) return t.skip('every backend is installed here')
  for (const wanted of absent) {
    await assert.rejects(selectBackend(wanted, silentLog), {
      code: 'BACKEND_UNAVAILABLE',
      message: `spec.runtime.backend: ${wanted}: not available here (${wanted}: not installed); install it or choose auto`,
    })
  }
})

test('a missing TensorFlow is refused with the command that sets it up', async (t) => {
  if (absent.includes('tensorflow')) return t.skip('its package is not installed here')
  const cache = mkdtempSync(join(tmpdir(), 'downpour-cache-'))
  t.after(() => rmSync(cache, { recursive: true }))
  await assert.rejects(selectBackend('tensorflow', silentLog, cache), {
    code: 'BACKEND_UNAVAILABLE',
    message: /\(tensorflow: not set up \(`npm run setup:tensorflow` does it\)\)/,
  })
})

test('TensorFlow of the cache is selected first, computes, and the reason names its folder', async (t) => {
  const cache = cacheRoot(process.env)
  const folder = chosenFolder(cache)
  if (absent.includes('tensorflow') || folder === undefined) return t.skip('TensorFlow is not set up here')
  assert.deepEqual(await selectBackend('auto', silentLog, cache), {
    name: 'tensorflow',
    reason: `tensorflow chosen (from ${folder})`,
    usesGpu: folder === tensorflowFolder(cache, 'gpu') && existsSync('/dev/nvidia0'),
  })
  assert.deepEqual([...tf.tidy(() => tf.matMul([[1, 2]], [[3], [4]]).dataSync())], [11])
})

test('a backend that is selected after a refused one still computes', async () => {
  for (const missing of absent) await assert.rejects(selectBackend(missing, silentLog))
  await selectBackend('wasm', silentLog)
  assert.deepEqual([...tf.tidy(() => tf.matMul([[1, 2]], [[3], [4]]).dataSync())], [11])
})
