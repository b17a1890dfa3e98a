/** A whole run of the example task in CONTRIBUTING.md, from the manifest to the score. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { JFT_MINI } from '../../src/data/generate/recipe.ts'
import { startLocalRun } from '../support/local-run.ts'
import { prepareSmallJobs, type SmallJobs } from './small-job.ts'

const ENDS_WITHIN_MS = 300_000
/** Share of images with two objects; all others have one. */
const TWO_OBJECTS = JFT_MINI.secondObject
/** Mean absolute error and variance of a model that predicts the mean count for every image. */
const ERROR_OF_MEAN = 2 * TWO_OBJECTS * (1 - TWO_OBJECTS)
const VARIANCE = TWO_OBJECTS * (1 - TWO_OBJECTS)

let jobs: SmallJobs
before(async () => {
  jobs = await prepareSmallJobs()
})
after(() => jobs.remove())

test('a job that counts objects learns, and its error is its score', async () => {
  const data = { source: { claimName: 'data', path: 'evaluation' }, format: 'tfrecord', labels: 'labels.json' }
  const { file, stateDir } = await jobs.next({
    preset: 'object-count-mini',
    runtime: { backend: 'auto' },
    input: { cropPixels: 36 },
    evaluation: { data },
    maxSteps: 800,
    batchSize: 16,
    checkpoint: { everySteps: 200, keep: 2, keepBest: 1 },
  })
  const run = startLocalRun([file], stateDir)
  try {
    assert.equal(await run.ended(ENDS_WITHIN_MS), 0, run.output())
    const { progress, results, checkpoints = [], headline } = run.results()[0]?.status ?? {}
    const error = results?.metrics.meanAbsoluteError as number
    assert.ok(error < ERROR_OF_MEAN, `scored ${error}, the mean count ${ERROR_OF_MEAN.toFixed(3)}`)
    assert.ok((progress?.loss as number) < VARIANCE, `training loss ${progress?.loss}, variance ${VARIANCE.toFixed(3)}`)
    assert.equal(headline, `meanAbsoluteError ${error.toFixed(3)}`)
    assert.equal(checkpoints.at(-1)?.score, error)
    assert.match(run.output(), new RegExp(`meanAbsoluteError ${Number(error.toPrecision(3))}, loss `))
  } finally {
    run.child.kill('SIGKILL')
  }
})
