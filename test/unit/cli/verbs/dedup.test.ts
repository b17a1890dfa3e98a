import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { before, test } from 'node:test'
import { makeDataSet } from '../../../../src/data/generate/make-data-set.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'

const root = temporaryFolder()
const BIN = resolve('bin/downpour')
const mini = join(root, 'mini')
const [train, test_] = [join(mini, 'pretrain'), join(mini, 'downstream', 'val')]

before(async () => {
  const sizes = { images: 600, evaluationImages: 1, downstreamTrainPerClass: 1, downstreamValPerClass: 2 }
  await makeDataSet('jft-mini', { out: mini, seed: 5, sizes })
})

function dedup(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, 'data', 'dedup', ...args], { encoding: 'utf8' })
  return { status, stdout, stderr }
}

test('prints the counts and the copies, and progress on standard error', async () => {
  const leaked = join(root, 'leaked')
  await cp(test_, leaked, { recursive: true })
  const out = join(root, 'list.tsv')
  const { status, stdout, stderr } = dedup('--train', train, '--train', leaked, '--test', test_, '--out', out)
  assert.equal(status, 0, stderr)
  assert.match(stdout, /^40 test pictures\n640 training pictures, \d+ a second\n40 test pictures have a copy/)
  assert.match(stdout, /and 30 more\n$/)
  assert.match(stderr, /training parts \(100%\)/)
  const rows = readFileSync(out, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  assert.equal(rows.length, 40)
  for (const row of rows) {
    const [id, source, method, distance] = row.split('\t')
    assert.deepEqual([source, method, distance], [`${leaked}/${id}`, 'perceptual', '0.0000'])
  }
})

test('--json prints one document', () => {
  const { stdout } = dedup('--train', train, '--test', test_, '--out', join(root, 'none.tsv'), '--json')
  const { test, training, duplicates, out } = JSON.parse(stdout)
  assert.deepEqual([test.pictures, training.pictures, duplicates], [40, 600, 0])
  assert.equal(out, join(root, 'none.tsv'))
})

test('errors have a code and the exit code 1', () => {
  const none = dedup('--train', join(root, 'none'), '--test', test_, '--out', join(root, 'x.tsv'))
  assert.deepEqual([none.status, /DATA_MISSING/.test(none.stderr)], [1, true])
  const method = dedup('--train', train, '--test', test_, '--out', join(root, 'x.tsv'), '--method', 'embedding')
  assert.deepEqual([method.status, /DEDUP_CHECKPOINT.*--checkpoint DIR/.test(method.stderr)], [1, true])
  const threshold = dedup('--train', train, '--test', test_, '--out', join(root, 'x.tsv'), '--threshold', '7')
  assert.match(threshold.stderr, /--threshold.*expected a number between 0 and 1/)
})

test('SIGINT stops it with exit code 130, and no list is written', async () => {
  const out = join(root, 'stopped.tsv')
  const args = [BIN, 'data', 'dedup', '--train', train, '--test', test_, '--out', out]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let text = ''
  child.stderr.on('data', (part) => (text += part))
  await once(child.stderr, 'data')
  child.kill('SIGINT')
  const [code] = await once(child, 'close')
  assert.equal(code, 130, text)
  assert.match(text, /stopped; .*stopped\.tsv was not written; the same command continues the search\n$/)
  assert.equal(existsSync(out), false)
})
