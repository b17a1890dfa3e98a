import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { renderReport, writeReport } from '../../../src/cli/report.ts'
import { finetuned, fromRandom, pretrained, record, resultOf } from './histories.ts'

const ABOUT = { title: 'Run', facts: ['2 cores'] }
const HISTORY = [1, 2, 3].map((step) => record(step))

suite('the report of a run', () => {
  test('shows what pre-training bought, a row for each job, and a picture of what changed', () => {
    const results = [
      resultOf(pretrained(), HISTORY),
      resultOf(finetuned('ours', 0.5), HISTORY),
      resultOf(fromRandom('random', 0.3), HISTORY),
    ]
    const html = renderReport(results, ABOUT)
    assert.match(html, /<p class="gain">Pre-training: top-1 50\.0%/)
    assert.equal(html.match(/<tr>/g)?.length, 4)
    assert.match(html, /<td>step 150, abcdef012345<\/td>/)
    assert.match(html, /aria-label="Fine-tuning loss: from the checkpoint and from random weights"/)
    assert.equal(html.match(/aria-label="Training loss"/g)?.length, 3)
    assert.match(html, /<li>2 cores<\/li>/)
  })

  test('says what never changed in a sentence', () => {
    const html = renderReport([resultOf(pretrained(), HISTORY)], ABOUT)
    assert.match(html, /<p>Learning rate: 0\.1, from the first step to the last\.<\/p>/)
    assert.doesNotMatch(html, /aria-label="Learning rate"/)
  })

  test('has no section for a job that left nothing', () => {
    assert.doesNotMatch(renderReport([resultOf(pretrained())], ABOUT), /<h2>PretrainJob/)
  })

  test('survives losses that were no numbers, and does not draw them as zero', () => {
    const broken = { loss: null as unknown as number }
    const some = renderReport([resultOf(pretrained(), [record(1), record(2, broken), record(3)])], ABOUT)
    assert.equal(/aria-label="Training loss"[\s\S]*?points="([^"]*)"/.exec(some)?.[1]?.split(' ').length, 2)
    const none = renderReport([resultOf(pretrained(), [record(1, broken), record(2, broken)])], ABOUT)
    assert.match(none, /Training loss: nothing was recorded/)
  })

  test('holds no HTML but its own, no script, and loads nothing', () => {
    const evil = '<script>alert(1)</script>'
    const job = finetuned('ours', 0.5)
    const named = { ...job, metadata: { ...job.metadata, name: evil } }
    const html = renderReport([resultOf(named, HISTORY), resultOf(fromRandom('random', 0.3), HISTORY)], {
      title: evil,
      facts: [evil],
    })
    assert.doesNotMatch(html, /<script|src=|href=|url\(|@import/)
    assert.match(html, /&lt;script&gt;/)
  })

  test('is written whole, in a folder that need not be there', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'downpour-report-'))
    t.after(() => rm(folder, { recursive: true }))
    await writeReport(join(folder, 'new', 'report.html'), [], ABOUT)
    assert.deepEqual(await readdir(join(folder, 'new')), ['report.html'])
    assert.match(await readFile(join(folder, 'new', 'report.html'), 'utf8'), /^<!doctype html>[\s\S]*<\/html>\n$/)
  })
})
