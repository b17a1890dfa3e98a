/** What goes wrong while values are read: nothing is left behind. */
import assert from 'node:assert/strict'
import { closeSync, existsSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { DeclaredTensor } from '../../../src/checkpoint/safetensors-header.ts'
import { exportCheckpoint } from '../../../src/interchange/export.ts'
import { importCheckpoint } from '../../../src/interchange/import.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { headerOf, torchvisionTensors, writeZeros } from './files.ts'
import { allZero, writeNetwork } from './fixtures.ts'

const folder = temporaryFolder()
const tensors = torchvisionTensors('resnet50', 3)
const OPTIONS = { backbone: 'resnet50', classes: 3, seed: 1, valuesOf: allZero } as const

/** A file of zeros but for some bytes in the middle of a tensor. */
function fileWith(
  name: string,
  tensor: string,
  bytes: NodeJS.ArrayBufferView,
  all: readonly DeclaredTensor[] = tensors,
): string {
  const path = join(folder, name)
  const dataStart = writeZeros(path, all)
  const { begin } = headerOf(all).entries.get(tensor) ?? { begin: 0 }
  overwrite(path, bytes, dataStart + begin + 8)
  return path
}

function overwrite(path: string, bytes: NodeJS.ArrayBufferView, position: number): void {
  const file = openSync(path, 'r+')
  writeSync(file, bytes, 0, bytes.byteLength, position)
  closeSync(file)
}

test('import: values that are not finite, or not in float32', async () => {
  const wide = tensors.map((one) => (one.name === 'bn1.running_var' ? { ...one, dtype: 'F64' as const } : one))
  for (const [file, message] of [
    [
      fileWith('nan', 'layer3.2.bn1.running_var', Float32Array.of(Number.NaN)),
      /nan: tensor 'layer3.2.bn1.running_var' has values that are not finite$/,
    ],
    [
      fileWith('infinite', 'fc.weight', Float32Array.of(Number.NEGATIVE_INFINITY)),
      /'fc.weight' has values that are not finite$/,
    ],
    [
      fileWith('wide', 'bn1.running_var', Float64Array.of(1e300), wide),
      /'bn1.running_var' has .* not finite, or too large for float32/,
    ],
  ] as const) {
    const out = join(folder, 'refused')
    await assert.rejects(importCheckpoint({ file, out }), { code: 'IMPORT_NOT_FINITE', message })
    assert.ok(!existsSync(out))
  }
})

test('import: an interruption leaves nothing', async () => {
  const file = join(folder, 'zeros')
  writeZeros(file, tensors)
  const out = join(folder, 'interrupted')
  const stop = new AbortController()
  const onProgress = (done: number) => done === 100 && stop.abort()
  await assert.rejects(importCheckpoint({ file, out, onProgress, signal: stop.signal }), { name: 'AbortError' })
  assert.ok(!existsSync(out))
})

test('import: a checkpoint that exists is kept', async () => {
  const file = join(folder, 'zeros')
  const out = join(folder, 'twice')
  await importCheckpoint({ file, out })
  await assert.rejects(importCheckpoint({ file, out }), { code: 'OUTPUT_EXISTS' })
  assert.deepEqual(readdirSync(out), ['step-000000000'])
})

test('export: a damaged checkpoint is refused by file, and writes nothing', async () => {
  const good = await writeNetwork(join(folder, 'good'), OPTIONS)
  const shard = (checkpoint: string) => join(checkpoint, 'shard-00001-of-00002.safetensors')
  const out = join(folder, 'out')
  overwrite(shard(good), Uint8Array.of(1), 1_000_000)
  await assert.rejects(exportCheckpoint({ folder: good, out }), {
    code: 'CHECKPOINT_CORRUPT',
    message: /shard-00001.*sha256 differs/,
  })
  rmSync(shard(good))
  await assert.rejects(exportCheckpoint({ folder: good, out }), {
    code: 'CHECKPOINT_TORN',
    message: /shard-00001.*ENOENT/,
  })
  await assert.rejects(exportCheckpoint({ folder, out }), { code: 'CHECKPOINT_NO_MANIFEST' })
  const infinite = await writeNetwork(join(folder, 'nan-job'), {
    ...OPTIONS,
    valuesOf: ({ shape }) => new Float32Array(shape.reduce((product, axis) => product * axis, 1)).fill(Number.NaN),
  })
  await assert.rejects(exportCheckpoint({ folder: infinite, out }), {
    code: 'CHECKPOINT_CORRUPT',
    message: /'root\/weights' has values that are not finite/,
  })
  assert.ok(!existsSync(out))
})

test('export: an interruption leaves nothing, and a file that exists is kept', async () => {
  const checkpoint = await writeNetwork(join(folder, 'job'), OPTIONS)
  const out = join(folder, 'new', 'out.safetensors')
  const stop = new AbortController()
  const onProgress = (done: number) => done === 100 && stop.abort()
  await assert.rejects(exportCheckpoint({ folder: checkpoint, out, onProgress, signal: stop.signal }), {
    name: 'AbortError',
  })
  assert.ok(!existsSync(join(folder, 'new')))
  await exportCheckpoint({ folder: checkpoint, out })
  await assert.rejects(exportCheckpoint({ folder: checkpoint, out }), { code: 'OUTPUT_EXISTS' })
})
