import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readManifest } from '../../../../src/checkpoint/read-manifest.ts'
import { listFolder, verifyFolder } from '../../../../src/cli/verbs/checkpoint.ts'
import { FILES } from '../../../../src/contract/files.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { writeCheckpoint } from '../../checkpoint/fixtures.ts'
import { capture } from '../io.ts'

const SHARD = 'shard-00000-of-00002.safetensors'
const root = temporaryFolder()
const fresh = () => mkdtempSync(join(root, 'job-'))

async function call(verb: typeof listFolder, folder: string) {
  const { written, io } = capture()
  const code = await verb(folder, io)
  return { code, ...written }
}

test('list: a line for each checkpoint, newest last, with step, time, shards, size, digest and scores', async () => {
  const folder = fresh()
  await writeCheckpoint(folder, 20, { final: true })
  const first = await writeCheckpoint(folder, 10)
  const { digest } = await readManifest(first)
  const metrics = { top1: 0.51234, loss: 1.5 }
  writeFileSync(join(first, FILES.evaluation), JSON.stringify({ step: 10, digest, metrics, examples: 5 }))
  const { code, out, err } = await call(listFolder, folder)
  assert.deepEqual([code, err], [0, ''])
  const [line10 = '', line20 = ''] = out.split('\n')
  const saved = 'saved 2026-01-01T00:00:00.000Z  2 shards  \\d+ B'
  const scores = 'top1 0.5123, loss 1.5000'
  assert.match(line10, new RegExp(`^step-000000010  step 10  ${saved}  sha256:${digest.slice(0, 12)}  ${scores}$`))
  assert.match(line20, new RegExp(`^step-000000020  step 20 \\(final\\)  ${saved}  sha256:[0-9a-f]{12}$`))
})

test('list: scores of a checkpoint with another digest are not shown', async () => {
  const folder = fresh()
  const first = await writeCheckpoint(folder, 10)
  const record = { step: 10, digest: 'another', metrics: { top1: 1 }, examples: 5 }
  writeFileSync(join(first, FILES.evaluation), JSON.stringify(record))
  assert.doesNotMatch((await call(listFolder, folder)).out, /top1/)
})

test('list: a refused folder is named with code and reason', async () => {
  const folder = fresh()
  await writeCheckpoint(folder, 10)
  rmSync(join(await writeCheckpoint(folder, 20), 'manifest.json'))
  const { code, out, err } = await call(listFolder, folder)
  assert.equal(code, 1)
  assert.match(out, /^step-000000010 .*\n$/)
  assert.match(err, /^step-000000020 {2}refused {2}CHECKPOINT_NO_MANIFEST: .*manifest.json cannot be read/)
})

test('verify: every byte, of one checkpoint or of all', async () => {
  const folder = fresh()
  const good = await writeCheckpoint(folder, 10)
  const bad = await writeCheckpoint(folder, 20)
  assert.equal((await call(verifyFolder, folder)).code, 0)
  appendFileSync(join(bad, SHARD), 'x')
  const all = await call(verifyFolder, folder)
  assert.equal(all.code, 1)
  assert.match(all.out, /^step-000000010 {2}intact {2}step 10 /)
  assert.match(all.err, /^step-000000020 {2}refused {2}CHECKPOINT_TORN: .*the manifest says \d+\n$/)
  assert.equal((await call(verifyFolder, good)).code, 0)
  assert.equal((await call(verifyFolder, `${bad}/`)).code, 1)
  truncateSync(join(bad, 'manifest.json'))
  assert.match((await call(verifyFolder, bad)).err, /CHECKPOINT_BAD_MANIFEST/)
})

test("the jobs' folders below a claim or a state folder are found and named", async () => {
  const state = fresh()
  const claim = join(state, 'volumes/default/checkpoints')
  for (const [job, step] of [
    ['team/a-12345678', 10],
    ['default/b-12345678', 20],
  ] as const) {
    mkdirSync(join(claim, job), { recursive: true })
    await writeCheckpoint(join(claim, job), step)
  }
  mkdirSync(join(claim, 'default/never-saved-12345678'))
  mkdirSync(join(state, 'data/pretrain'), { recursive: true })
  for (const dir of [claim, state]) {
    const at = (job: string) => join(claim, job)
    const list = await call(listFolder, dir)
    const lines = list.out.trimEnd().split('\n')
    assert.deepEqual(
      [list.code, list.err, lines[0], lines[2]],
      [0, '', `${at('default/b-12345678')}:`, `${at('team/a-12345678')}:`],
    )
    assert.match(list.out, /:\nstep-000000020 .*\n.*:\nstep-000000010 .*\n$/)
    const verify = await call(verifyFolder, dir)
    assert.equal(verify.code, 0)
    assert.match(verify.out, /step-000000020 {2}intact [\s\S]*step-000000010 {2}intact /)
  }
  appendFileSync(join(claim, 'default/b-12345678/step-000000020', SHARD), 'x')
  assert.equal((await call(verifyFolder, claim)).code, 1)
})

test('a folder without checkpoints, a missing folder and a file are failures with a message', async () => {
  for (const verb of [listFolder, verifyFolder]) {
    const empty = await call(verb, fresh())
    assert.equal(empty.code, 1)
    assert.match(empty.err, /CHECKPOINT_NOT_FOUND: no checkpoint in .*expected folders named/)
    const missing = await call(verb, join(root, 'no-such-folder'))
    assert.equal(missing.code, 1)
    assert.match(missing.err, /CHECKPOINT_UNREADABLE: .*no-such-folder cannot be opened/)
    const file = join(root, 'file')
    writeFileSync(file, '')
    assert.match((await call(verb, file)).err, /CHECKPOINT_UNREADABLE: .* is not a folder/)
  }
})
