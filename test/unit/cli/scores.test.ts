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

test('scores of deleted checkpoints come from the list of the evaluator; the last line of a step counts', async () => {
  const folder = mkdtempSync(join(root, 'job-'))
  const line = (step: number, top1: number) => JSON.stringify({ step, digest: 'd', metrics: { top1 }, examples: 1 })
  const reduced = { metrics: { top1: 0.3 }, examples: 1 }
  const withReduced = JSON.stringify({ ...JSON.parse(line(30, 0.4)), reduced })
  writeFileSync(
    join(folder, FILES.evaluations),
    `\n${line(10, 0.1)}\n${line(20, 0)}\n{"step":2\n${line(20, 0.2)}\n${withReduced}\n`,
  )
  const found = await new ScoreHistory().of(results(30, 0.4), folder)
  assert.deepEqual(
    found.map(({ step, metrics }) => [step, metrics.top1]),
    [
      [10, 0.1],
      [20, 0.2],
      [30, 0.4],
    ],
  )
  assert.deepEqual(found.at(-1)?.reduced, reduced)
})

test('a job whose folder is unknown or missing has the scores that were seen in the run', async () => {
  const book = new ScoreHistory()
  book.note([results(10, 0.1)])
  for (const folder of [undefined, join(root, 'gone')])
    assert.equal((await book.of(results(10, 0.1), folder)).length, 1)
})
