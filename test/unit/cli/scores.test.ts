import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readManifest } from '../../../src/checkpoint/read-manifest.ts'
import { ScoreHistory } from '../../../src/cli/scores.ts'
import { FILES } from '../../../src/contract/files.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { writeCheckpoint } from '../checkpoint/fixtures.ts'
import { pretrained } from './histories.ts'

const root = temporaryFolder()
const results = (step: number, top1: number) => pretrained({ results: { step, metrics: { top1 }, examples: 1 } })

test('scores come from the status seen in the run and from files beside checkpoints, in order of step', async () => {
  const folder = mkdtempSync(join(root, 'job-'))
  for (const [step, top1, digest] of [
    [20, 0.2, undefined],
    [30, 0.9, 'another digest'],
  ] as const) {
    const at = await writeCheckpoint(folder, step)
    const record = { step, digest: digest ?? (await readManifest(at)).digest, metrics: { top1 }, examples: 1 }
    writeFileSync(join(at, FILES.evaluation), JSON.stringify(record))
  }
  const book = new ScoreHistory()
  book.note([results(40, 0.4)])
  book.note([results(10, 0.1), pretrained()])
  const found = await book.of(results(40, 0.4), folder)
  assert.deepEqual(
    found.map(({ step, metrics }) => [step, metrics.top1]),
    [
      [10, 0.1],
      [20, 0.2],
      [40, 0.4],
    ],
  )
})

test('a job whose folder is unknown or missing has the scores that were seen in the run', async () => {
  const book = new ScoreHistory()
  book.note([results(10, 0.1)])
  for (const folder of [undefined, join(root, 'gone')])
    assert.equal((await book.of(results(10, 0.1), folder)).length, 1)
})
