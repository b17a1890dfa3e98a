import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import fc from 'fast-check'
import type { Job } from '../../../src/api/job.ts'
import { collectResults, resultTable } from '../../../src/cli/results.ts'
import { gainSentence, gainTable, transferGains, transferPairs } from '../../../src/cli/transfer-gains.ts'
import type { HistoryRecord } from '../../../src/contract/files.ts'
import { finetuned, fromRandom, pretrained, record, resultOf } from './histories.ts'

async function read(t: TestContext, text: string): Promise<HistoryRecord[]> {
  const volume = await mkdtemp(join(tmpdir(), 'downpour-results-'))
  t.after(() => rm(volume, { recursive: true }))
  await mkdir(join(volume, 'team/jft-1'), { recursive: true })
  await writeFile(join(volume, 'team/jft-1/history.jsonl'), text)
  const [result] = await collectResults([pretrained()], async () => volume)
  return result?.history ?? []
}
const lines = (steps: readonly number[]) => steps.map((step) => JSON.stringify(record(step)))
const steps = (history: readonly HistoryRecord[]) => history.map(({ step }) => step)

suite('the history of a job', () => {
  test('has all records of the file', async (t) => {
    assert.deepEqual(await read(t, `${lines([1, 2]).join('\n')}\n`), [record(1), record(2)])
  })

  test('has no torn lines, also where the next process has appended to one', async (t) => {
    const [one, two, three] = lines([1, 2, 3])
    assert.deepEqual(
      steps(await read(t, `${one}\n${two?.slice(0, 9)}${two}\n{}\n12\n${three}\n${one?.slice(0, 20)}`)),
      [1, 3],
    )
  })

  test('has no steps that were rolled back', async (t) => {
    assert.deepEqual(steps(await read(t, lines([1, 2, 3, 4, 2, 3, 5]).join('\n'))), [1, 2, 3, 5])
  })

  test('is in order of step and ends with the last record, for any roll-backs', async (t) => {
    const anySteps = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(anySteps, async (given) => {
        const kept = steps(await read(t, lines(given).join('\n')))
        assert.equal(kept.at(-1), given.at(-1))
        assert.ok(
          kept.every((step, i) => i === 0 || step > (kept[i - 1] as number)),
          `${kept}`,
        )
        assert.ok(given.every((step, at) => kept.includes(step) || given.slice(at + 1).some((later) => later <= step)))
      }),
      { numRuns: 30 },
    )
  })

  test('with 50,000 records is read in less than three seconds', async (t) => {
    const text = lines(Array.from({ length: 50_000 }, (_, i) => i + 1)).join('\n')
    const startedMs = performance.now()
    assert.equal((await read(t, text)).length, 50_000)
    assert.ok(performance.now() - startedMs < 3_000)
  })

  test('is empty if the job saved nothing, or if its file or its claim is missing', async () => {
    const { checkpoint: _, ...unsaved } = pretrained().status ?? {}
    const jobs = [{ ...pretrained(), status: unsaved } as ReturnType<typeof pretrained>, pretrained()]
    const nowhere = await collectResults(jobs, async () => '/nowhere')
    const noClaim = await collectResults(jobs, () => Promise.reject(new Error('404')))
    assert.deepEqual(
      [...nowhere, ...noClaim].map(({ history }) => history),
      [[], [], [], []],
    )
  })
})

suite('pairs of a pre-trained and a random FinetuneJob', () => {
  const [ours, random] = [finetuned('ours', 0.5), fromRandom('random', 0.3)]

  test('differ only in their initial weights', () => {
    const results = [random, pretrained(), ours].map((job) => resultOf(job))
    assert.deepEqual(
      transferPairs(results).map((pair) => pair.map(({ job }) => job.metadata.name)),
      [['ours', 'random']],
    )
    for (const other of [{ maxSteps: 151 }, { batchSize: 3 }, { seed: 9 }])
      assert.deepEqual(
        transferPairs([ours, fromRandom('random', 0.3, other)].map((job) => resultOf(job))),
        [],
        JSON.stringify(other),
      )
  })

  test('may differ in spec.suspend', () => {
    assert.equal(
      transferPairs([ours, fromRandom('random', 0.3, { suspend: true })].map((job) => resultOf(job))).length,
      1,
    )
  })

  test('get a sentence with the gain of pre-training', () => {
    assert.deepEqual(transferGains([ours, random].map((job) => resultOf(job))).map(gainSentence), [
      'imagenet-classification: top1 50.0% (ours) against 30.0% from random weights (random) at 150 steps: 20.0 points.',
    ])
  })

  test('get a second sentence on the reduced evaluation set', () => {
    const reduce = (result: ReturnType<typeof resultOf>, top1: number) => {
      const results = { ...result.job.status?.results, reduced: { metrics: { top1 }, examples: 80 } }
      return { ...result, job: { ...result.job, status: { ...result.job.status, results } } } as typeof result
    }
    const [full, reduced] = transferGains([
      reduce(resultOf(finetuned('ours', 0.5)), 0.45),
      reduce(resultOf(fromRandom('random', 0.3)), 0.29),
    ]).map(gainSentence)
    assert.match(full ?? '', /top1 50\.0% \(ours\) against 30\.0% .* at 150 steps: 20\.0 points\.$/)
    assert.match(reduced ?? '', /top1 45\.0% .* 29\.0% .* at 150 steps, on the reduced evaluation set: 16\.0 points\.$/)
  })

  test('have the same numbers in the sentence and in the table, and the gain is the difference of those numbers', () => {
    const share = fc.integer({ min: 0, max: 800 }).map((right) => right / 800)
    fc.assert(
      fc.property(share, share, (top1, other) => {
        const results = [finetuned('ours', top1), fromRandom('random', other)].map((job) => resultOf(job))
        const [gain] = transferGains(results).map(gainSentence)
        const match = /top1 (.*)% \(ours\) against (.*)% .* (-?[\d.]+) points/.exec(gain ?? '')
        const [ours = Number.NaN, theirs = Number.NaN, points] = match?.slice(1).map(Number) ?? []
        const inTable = resultTable(results).map((line) => Number(/top1 (\S+),/.exec(line)?.[1]))
        assert.deepEqual(
          [ours, theirs].map((percent) => (percent / 100).toFixed(3)),
          inTable.slice(1).map((one) => one.toFixed(3)),
        )
        assert.equal(points, Number((ours - theirs).toFixed(1)))
      }),
      { examples: [[0.97, 0.6425]] },
    )
  })

  test('get a row in a table of all tasks', () => {
    assert.deepEqual(gainTable(transferGains([ours, random].map((job) => resultOf(job)))), [
      'TASK                     JOB   STEPS  METRIC  PRE-TRAINED  RANDOM  GAIN',
      'imagenet-classification  ours  150    top1    50.0%        30.0%   20.0 points',
    ])
    assert.deepEqual(gainTable([]), [])
  })

  test('of a task that compares another metric beside its headline have a row and a sentence for each', () => {
    const scoresOf = (AP: number, loose: number) => ({
      results: { step: 9, metrics: { AP, 'AP@.5': loose }, examples: 9 },
    })
    const task = { type: 'coco-detection', classes: 3 }
    const data = { source: { claimName: 'coco' }, format: 'coco' }
    const over = { preset: 'coco-detection', task, data, evaluation: { data: { ...data, annotations: 'val.json' } } }
    const scored = (job: Job, ...[AP, loose]: [number, number]) =>
      resultOf({ ...job, status: { ...job.status, ...scoresOf(AP, loose) } } as Job)
    const gains = transferGains([
      scored(finetuned('ours', 0, over), 0.3, 0.6),
      scored(fromRandom('random', 0, { ...over, batchNorm: { mode: 'calibrated' } }), 0.1, 0.35),
    ])
    assert.deepEqual(gainTable(gains).slice(1), [
      'coco-detection  ours  150    AP      30.0%        10.0%   20.0 points',
      'coco-detection  ours  150    AP@.5   60.0%        35.0%   25.0 points',
    ])
    assert.match(gains.map(gainSentence)[1] ?? '', /^coco-detection: AP@\.5 60\.0% \(ours\)/)
  })

  test('get no sentence unless both have results', () => {
    assert.deepEqual(transferGains([ours, fromRandom('random')].map((job) => resultOf(job))), [])
  })
})

test('the final table has a row for each job, with dashes for unknown values', () => {
  const [head = '', ours = '', never = ''] = resultTable([
    resultOf(finetuned('ours', 0.5)),
    resultOf(pretrained({ phase: 'Failed' })),
  ])
  assert.match(head, /^JOB +PHASE +STEPS +LOSS +METRICS +STALENESS MEAN\/P99 +PUSHED +RESTARTS +TIME$/)
  assert.match(ours, /^FinetuneJob\/ours +Succeeded +- +- +top1 0\.500, loss 2 +- +- +0 +1m05s$/)
  assert.match(never, /^PretrainJob\/jft +Failed +-/)
})

suite('the final table on a terminal', () => {
  const results = [
    resultOf(pretrained({ results: { step: 1500, metrics: { 'mAP@100': 0.85, loss: 8.13 }, examples: 9 } })),
    resultOf(finetuned('jft-mini-pretrained', 0.96)),
    resultOf(fromRandom('x'.repeat(40), 0.642)),
  ]
  const whole = resultTable(results)

  test('has all columns if they fit, and in a pipe', () => {
    assert.match(whole[0] ?? '', /STALENESS MEAN\/P99/)
    assert.deepEqual(resultTable(results, 200), whole)
  })

  for (const width of [125, 100, 80, 60])
    test(`fits ${width} columns, keeps the scores, and names the columns that it leaves out`, () => {
      const lines = resultTable(results, width)
      for (const line of lines) assert.ok(line.length <= width, line)
      const text = lines.join('\n')
      for (const cell of ['mAP@100 0.850', 'loss 8.13', 'top1 0.960', 'top1 0.642', 'Succeeded'])
        assert.ok(text.includes(cell), text)
      const missing = ['RESTARTS', 'STALENESS', 'PUSHED', 'TIME'].filter((head) => !lines[0]?.includes(head))
      if (missing.length > 0) assert.match(text.replace(/\s+/g, ' '), new RegExp(`Left out: ${missing.join(', ')}`))
    })
})
