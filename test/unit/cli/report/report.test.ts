import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import type { Job } from '../../../../src/api/job.ts'
import { renderReport, writeReport } from '../../../../src/cli/report/report.ts'
import { finetuned, fromRandom, pretrained, record, resultOf } from '../histories.ts'

const ABOUT = { title: 'Run', facts: [['Machine', '2 cores']] } as const
const DATA = { source: { claimName: 'data', path: 'val' }, format: 'imagenet-folder' }
const HISTORY = [1, 2, 3].map((step) => record(step))

suite('the report of a run', () => {
  test('shows the gain of pre-training, a row for each job, and a chart of each value that changed', () => {
    const results = [
      resultOf(pretrained(), HISTORY),
      resultOf(finetuned('ours', 0.5), HISTORY),
      resultOf(fromRandom('random', 0.3), HISTORY),
    ]
    const html = renderReport(results, ABOUT)
    assert.match(html, /<p class="gain">imagenet-classification: top1 50\.0%/)
    assert.equal(html.match(/<tr[ >]/g)?.length, 2 + 4, 'gains, then jobs')
    assert.match(html, /<td data-head="Gain">20\.0 points</)
    assert.match(html, /<dd>step 150, sha256 abcdef0123456789<\/dd>/)
    assert.match(html, /aria-label="Fine-tuning loss: from the checkpoint and from random weights"/)
    assert.equal(html.match(/aria-label="Training loss"/g)?.length, 3)
    assert.match(html, /<dt>Machine<\/dt><dd>2 cores<\/dd>/)
  })

  test('lists values that never changed in a sentence', () => {
    const html = renderReport([resultOf(pretrained(), HISTORY)], ABOUT)
    assert.match(html, /Never changed: Learning rate: 0\.1; Active workers: 2\./)
    assert.doesNotMatch(html, /aria-label="Learning rate"/)
  })

  test('shows the spec of a job that never trained, and why it failed', () => {
    const failed = { type: 'Failed', status: 'True', reason: 'BAD_DATA', message: 'worker-0: no such folder' } as const
    const conditions = [{ ...failed, lastTransitionTime: '', observedGeneration: 1 }]
    const html = renderReport([resultOf(pretrained({ phase: 'Failed', conditions }))], ABOUT)
    assert.match(html, /<h2>PretrainJob\/jft<\/h2>\s*<p class="why">Failed: BAD_DATA: worker-0: no such folder<\/p>/)
    assert.match(html, /<summary>Spec, with its preset filled in<\/summary><pre>preset: /)
    assert.doesNotMatch(html, /<figure/)
  })

  test('shows the names of environment variables without their values, which may be secret', () => {
    const workers = { replicas: 1, template: { env: [{ name: 'WANDB_API_KEY', value: 'sk-4711' }] } }
    const html = renderReport([resultOf(finetuned('ours', 0.5, { workers }), HISTORY)], ABOUT)
    assert.match(html, /- name: WANDB_API_KEY\n +value: \(not shown\)/)
    assert.doesNotMatch(html, /4711/)
  })

  test('has what is needed to repeat the run: spec, seed, data, workers, initial weights', () => {
    const html = renderReport([resultOf(finetuned('ours', 0.5, { seed: 41 }), HISTORY)], ABOUT)
    const facts = new Map(
      [...html.matchAll(/<dt>([^<]*)<\/dt><dd>([^<]*)<\/dd>/g)].map(([, name, fact]) => [name, fact]),
    )
    assert.equal(facts.get('Seed'), '41')
    assert.match(facts.get('Data') ?? '', /^claim \S+.* \(imagenet-folder\)$/)
    assert.match(facts.get('Evaluation data') ?? '', /^claim /)
    assert.match(facts.get('Workers') ?? '', /^\d+/)
    assert.equal(facts.get('Initial weights'), 'not chosen yet')
    assert.match(html, /<pre>[\s\S]*seed: 41[\s\S]*<\/pre>/)
  })

  test('has the variables that were loaded, and the whole lineage of the weights', () => {
    const digest = 'd'.repeat(64)
    const part = (variables: number, ...names: string[]) => ({ variables, values: 7 * variables, names })
    const job = finetuned('ours', 0.5)
    const status = {
      ...job.status,
      source: { pretrainJob: 'jft', step: 9, digest, path: 'jft', claimName: 'checkpoints' },
      init: { loaded: part(312, 'conv1/weights'), skipped: part(1, 'head/biases'), new: part(0) },
      lineage: ['jft', 'imagenet', 'first'].map((name, i) => ({ kind: 'PretrainJob', name, step: 9 - i, digest })),
    } as Job['status']
    const html = renderReport([resultOf({ ...job, status } as Job, HISTORY)], ABOUT)
    assert.match(
      html,
      /step 9 of PretrainJob &quot;jft&quot;, sha256 d{64} &lt; PretrainJob\/imagenet step 8 &lt; PretrainJob\/first step 7</,
    )
    assert.match(
      html,
      /loaded 312 variables \(2184 values: conv1\/weights, …\); skipped 1 variable \(7 values: head\/biases\); drew none</,
    )
  })

  test('draws scores over the steps, and names the training and the evaluation loss', () => {
    const scores = [50, 100, 150].map((step) => ({ step, metrics: { top1: step / 200, loss: 2 - step / 100 } }))
    const html = renderReport([resultOf(finetuned('ours', 0.5), HISTORY, scores)], ABOUT)
    const figure = /<figcaption>Training and evaluation loss<[\s\S]*?<\/figure>/.exec(html)?.[0] ?? ''
    assert.match(figure, /training: mean of the last pushes[\s\S]*evaluation: mean over the evaluation images/)
    assert.match(html, /<figcaption>Scores of the checkpoints: top1<\/figcaption>/)
  })

  test('shows the score of a single checkpoint as a dot', () => {
    const one = [{ step: 150, metrics: { top1: 0.5, top5: 0.9, loss: 1 } }]
    const html = renderReport([resultOf(finetuned('ours', 0.5), HISTORY, one)], ABOUT)
    assert.match(html, /<figcaption>Scores of the checkpoints: top1, top5<\/figcaption>[\s\S]*?<circle/)
  })

  test('leaves a gap at losses that were NaN or infinite, and does not draw them as zero', () => {
    const broken = { loss: null as unknown as number }
    const some = renderReport([resultOf(pretrained(), [record(1), record(2, broken), record(3)])], ABOUT)
    const figure = /aria-label="Training loss"[\s\S]*?<\/figure>/.exec(some)?.[0] ?? ''
    assert.equal(figure.match(/<circle/g)?.length, 2)
    const none = renderReport([resultOf(pretrained(), [record(1, broken), record(2, broken)])], ABOUT)
    assert.match(none, /Training loss: nothing was recorded/)
  })

  test('shows the reduced scores beside the others, and how many checkpoints were not scored', () => {
    const scores = [1, 2].map((step) => ({
      step,
      metrics: { top1: step / 10, loss: 3 - step },
      reduced: { metrics: { top1: step / 20, loss: 4 - step } },
    }))
    const evaluation = { data: DATA, exclude: 'near.txt', maxExamples: 500 }
    const job = finetuned('ours', 0.2, { evaluation })
    const results = { step: 2, metrics: { top1: 0.2 }, examples: 9, reduced: { metrics: { top1: 0.1 }, examples: 8 } }
    const status = { ...job.status, results, evaluation: { waiting: 0, skipped: 1 } } as NonNullable<typeof job.status>
    const html = renderReport([resultOf({ ...job, status } as typeof job, HISTORY, scores)], ABOUT)
    assert.match(html, />top1 0\.200, reduced top1 0\.100</)
    assert.match(html, /Scores of the checkpoints: top1, reduced top1/)
    assert.match(html, /evaluation, reduced/)
    assert.doesNotMatch(html, /Errors of the checkpoints/)
    assert.match(html, /; a sample of 500 images; reduced: without the images in near\.txt</)
    assert.match(html, /<dt>Not scored<\/dt><dd>1 checkpoint was deleted before it was scored</)
  })

  test('escapes names, has no script, and loads nothing', () => {
    const evil = '<script>alert(1)</script>'
    const job = finetuned('ours', 0.5)
    const named = { ...job, metadata: { ...job.metadata, name: evil } }
    const html = renderReport([resultOf(named, HISTORY), resultOf(fromRandom('random', 0.3), HISTORY)], {
      title: evil,
      facts: [[evil, evil]],
    })
    assert.doesNotMatch(html, /<script|src=|href=|url\(|@import/)
    assert.match(html, /&lt;script&gt;/)
  })

  test('is written as one complete file, in a folder that is created if it is missing', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'downpour-report-'))
    t.after(() => rm(folder, { recursive: true }))
    await writeReport(join(folder, 'new', 'report.html'), [], ABOUT)
    assert.deepEqual(await readdir(join(folder, 'new')), ['report.html'])
    assert.match(await readFile(join(folder, 'new', 'report.html'), 'utf8'), /^<!doctype html>[\s\S]*<\/html>\n$/)
  })
})
