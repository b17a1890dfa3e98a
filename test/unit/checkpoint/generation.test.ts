import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { commitFile } from '../../../src/checkpoint/commit.ts'
import { assertNewestGeneration, GENERATION_FILE, holdGeneration } from '../../../src/checkpoint/generation.ts'

suite('the marker of a generation', () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'downpour-generation-'))
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))
  const marker = () => readFileSync(join(root, GENERATION_FILE), 'utf8')

  test('refuses older generations and lets newer ones take over', async () => {
    await holdGeneration(root, 3)
    for (const check of [holdGeneration, assertNewestGeneration]) {
      await assert.rejects(check(root, 2), { code: 'OUTDATED_GENERATION' })
    }
    await assertNewestGeneration(root, 3)
    await holdGeneration(root, 4)
    assert.equal(marker(), '{"generation":4}\n')
    await assert.rejects(holdGeneration(root, 3), { code: 'OUTDATED_GENERATION' })
  })

  test('is written again by its owner if an older generation has overwritten it', async () => {
    await holdGeneration(root, 3)
    writeFileSync(join(root, GENERATION_FILE), '{"generation":2}')
    await holdGeneration(root, 3)
    assert.equal(marker(), '{"generation":3}\n')
  })

  test('is not needed by the first generation, nor by a folder that does not exist', async () => {
    await holdGeneration(join(root, 'job'), 0)
    await assertNewestGeneration(join(root, 'job'), 0)
    assert.deepEqual(readdirSync(root), [])
  })

  for (const text of ['', 'null', '{}', '{"generation":-1}', '{"generation":"3"}', '{"generation":1e99}']) {
    test(`with invalid content is an error that names the file: ${text}`, async () => {
      writeFileSync(join(root, GENERATION_FILE), text)
      await assert.rejects(holdGeneration(root, 1), {
        code: 'CHECKPOINT_BAD_GENERATION',
        message: /generation.json/,
      })
    })
  }

  test('is read just before a rename: a refused write leaves only the old file', async () => {
    const file = join(root, 'manifest.json')
    writeFileSync(file, 'old')
    await holdGeneration(root, 1)
    const fence = () => assertNewestGeneration(root, 0)
    await assert.rejects(commitFile(file, [Buffer.from('new')], undefined, fence), { code: 'OUTDATED_GENERATION' })
    assert.deepEqual(
      [readFileSync(file, 'utf8'), readdirSync(root).sort()],
      ['old', ['generation.json', 'manifest.json']],
    )
  })
})
