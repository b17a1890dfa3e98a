/** `checkpoint export` and `checkpoint import` as processes. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { torchvisionTensors, writeZeros } from '../../interchange/files.ts'
import { allZero, writeNetwork } from '../../interchange/fixtures.ts'

const folder = temporaryFolder()

function start(...args: string[]) {
  const child = spawn(process.execPath, ['src/cli/main.ts', 'checkpoint', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text) => (output.out += text))
  child.stderr.setEncoding('utf8').on('data', (text) => (output.err += text))
  const ended = once(child, 'close').then(([code]) => ({ code, ...output }))
  return { child, ended }
}

const run = (...args: string[]) => start(...args).ended

test('import prints what the file is and what was assumed; export takes the newest checkpoint of a folder', async () => {
  const file = join(folder, 'zeros.safetensors')
  writeZeros(file, torchvisionTensors('resnet50', 2))
  const labels = join(folder, 'labels.json')
  writeFileSync(labels, JSON.stringify(['cat', 'dog'].map((name, id) => ({ id, name, parents: [] }))))
  const out = join(folder, 'imported')
  const imported = await run('import', file, '--out', out, '--classes-file', labels)
  assert.deepEqual([imported.code, imported.err], [0, ''])
  const [first, second, third] = imported.out.split('\n')
  assert.equal(first, `${file}: resnet50 (variant torchvision), 2 outputs with names`)
  assert.match(second ?? '', /^note: the file does not say its variant/)
  assert.match(third ?? '', new RegExp(`^imported to ${out}/step-000000000: 89\\.9 MiB, sha256:[0-9a-f]{12}$`))
  const verified = await run('verify', out)
  assert.match(verified.out, /intact .* 2 classes/)

  const again = join(folder, 'again.safetensors')
  const exported = await run('export', out, '--out', again)
  assert.equal(exported.code, 0)
  assert.equal(exported.out.split('\n')[0], `exporting ${out}/step-000000000, the newest checkpoint`)
  assert.match(
    exported.out,
    /exported resnet50 \(variant torchvision\), 2 outputs, to .*again.safetensors: 89\.9 MiB\n$/,
  )
  const refused = await run('export', out, '--out', again)
  assert.deepEqual([refused.code, refused.err], [1, `downpour: OUTPUT_EXISTS: ${again} exists; nothing was written\n`])
})

test('a slim model is refused with the reason, and marked when it is allowed', async () => {
  const checkpoint = await writeNetwork(join(folder, 'slim'), {
    ...{ backbone: 'resnet50', classes: 2, variant: 'slim', epsilon: 1e-3, seed: 1, valuesOf: allZero },
  })
  const out = join(folder, 'slim.safetensors')
  const refused = await run('export', checkpoint, '--out', out)
  assert.equal(refused.code, 1)
  assert.match(refused.err, /^downpour: EXPORT_SLIM: .*--allow-slim/)
  assert.ok(!existsSync(out))
  const allowed = await run('export', checkpoint, '--out', out, '--allow-slim', '--backbone-only')
  assert.equal(allowed.code, 0)
  assert.match(allowed.out, /exported resnet50 \(variant slim\), without a last layer/)
  assert.match(allowed.out, /note: torchvision's resnet50 computes something else/)
  assert.match(allowed.out, /note: batch norm epsilon is 0.001, torchvision's is 0.00001: pass norm_layer=/)
  const back = await run('import', out, '--out', join(folder, 'slim-again'), '--variant', 'torchvision')
  assert.match(back.err, /IMPORT_VARIANT: --variant torchvision: .* declares its variant: slim/)
})

test('Ctrl-C during an import removes what was written and ends with 130', async () => {
  const file = join(folder, 'large.safetensors')
  writeZeros(file, torchvisionTensors('resnet152', 18_291))
  const out = join(folder, 'interrupted')
  const { child, ended } = start('import', file, '--out', out)
  await once(child.stdout, 'data')
  child.kill('SIGINT')
  const { code, out: printed } = await ended
  assert.equal(code, 130)
  assert.match(printed, /stopped; the unfinished checkpoint was deleted\n$/)
  assert.ok(!existsSync(out))
})
