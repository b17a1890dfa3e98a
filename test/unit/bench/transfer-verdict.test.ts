import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadAll } from 'js-yaml'
import { firstManifests, longManifests, pretrainSteps, scaled } from '../../../bench/transfer/manifests.ts'
import { TASKS, type TransferTask } from '../../../bench/transfer/tasks.ts'
import { VARIANTS } from '../../../bench/transfer/variants.ts'
import { betterTwin, estimate, type Scores, verdictOf } from '../../../bench/transfer/verdict.ts'
import { validateJob } from '../../../src/api/parse.ts'
import { readDemonstration } from '../../../src/cli/run/demonstration.ts'

const taskOf = (name: string) => TASKS.find((task) => task.name === name) as TransferTask
const RUN = { seed: 4, stateDir: 'state', scale: 0.1 }
const GOOD: Scores = { 'fine-tuned': 0.9, frozen: 0.8, 'random-trained': 0.5, 'random-calibrated': 0.6, control: 0.59 }

function brokenPromises(task: string, bySeed: readonly Scores[]): string[] {
  return verdictOf(taskOf(task), bySeed).checks.flatMap(({ promise, kept }) => (kept === false ? [promise] : []))
}
/** Three seeds near these scores. */
const near = (scores: Scores) =>
  [-0.01, 0, 0.01].map((shift) => ({ ...scores, 'fine-tuned': (scores['fine-tuned'] ?? 0) + shift }))

test('the standard error is the deviation over the root of the number of values', () => {
  assert.deepEqual(estimate([1, 2, 3]), { mean: 2, standardError: Math.sqrt(1 / 3) })
  assert.deepEqual(estimate([5]), { mean: 5, standardError: undefined })
})

test('the gain is that over the better random twin of each seed', () => {
  const swapped = { ...GOOD, 'random-trained': 0.7, 'random-calibrated': 0.2 }
  const { gain, controlGain } = verdictOf(taskOf('coco-pose'), [GOOD, swapped])
  assert.ok(Math.abs(gain.mean - (0.3 + 0.2) / 2) < 1e-12)
  assert.ok(Math.abs(controlGain.mean - (-0.01 - 0.11) / 2) < 1e-12)
  assert.deepEqual([betterTwin(GOOD), betterTwin(swapped)], ['random-calibrated', 'random-trained'])
})

test('scores as promised break nothing', () => {
  for (const { name } of TASKS) assert.deepEqual(brokenPromises(name, near(GOOD)), [], name)
})

test('each promise can be broken', () => {
  const cases: [string, Scores, RegExp][] = [
    ['coco-pose', { ...GOOD, 'fine-tuned': 0.7, frozen: 0.1 }, /^gain of at least 0.15/],
    ['classification', { ...GOOD, 'fine-tuned': 0.99 }, /^fine-tuned between 0.8 and 0.95/],
    ['classification', { ...GOOD, 'fine-tuned': 0.76 }, /^fine-tuned between 0.8 and 0.95/],
    ['voc-detection', { ...GOOD, frozen: 0.95 }, /^fine-tuned at least as good as frozen/],
    ['voc-segmentation', { ...GOOD, control: 0.7 }, /^control below 0.2 of the gain/],
  ]
  for (const [task, scores, promise] of cases) {
    const broken = brokenPromises(task, near(scores))
    assert.ok(
      broken.some((one) => promise.test(one)),
      `${task}: ${broken}`,
    )
  }
})

test('a gain and a control are compared with their standard errors', () => {
  const scattered = [0.1, 0.9, 2].map((score) => ({ ...GOOD, 'fine-tuned': score, frozen: 0 }))
  assert.ok(brokenPromises('coco-pose', scattered).includes('gain above 2 standard errors'))
  const steady = [0.641, 0.64, 0.639].map((control) => ({ ...GOOD, control }))
  assert.ok(brokenPromises('coco-pose', steady).includes('control below 2 standard errors'))
})

test('one seed has no standard errors, so those promises are unknown', () => {
  const { checks } = verdictOf(taskOf('coco-pose'), [GOOD])
  assert.deepEqual(checks.filter(({ kept }) => kept === undefined).length, 2)
})

test('all jobs of a seed are valid, and differ in the promised fields alone', () => {
  const manifests = loadAll(firstManifests(RUN, TASKS)) as { kind: string; spec: Record<string, unknown> }[]
  const jobs = manifests.filter(({ kind }) => kind !== 'PersistentVolumeClaim')
  assert.equal(jobs.length, 2 + TASKS.length * VARIANTS.length)
  for (const one of jobs) assert.deepEqual(validateJob(one), [])
  const rest = jobs
    .slice(2)
    .map(({ spec: { from: _from, init: _init, protocol: _protocol, batchNorm: _norm, ...spec } }) => spec)
  for (let first = 0; first < rest.length; first += VARIANTS.length)
    for (let i = 1; i < VARIANTS.length; i++) assert.deepEqual(rest[first + i], rest[first])
})

test('the long twin has four times the steps', () => {
  const twins = [{ task: taskOf('coco-pose'), twin: 'random-trained' as const }]
  const jobs = loadAll(longManifests(RUN, twins)) as { kind: string; spec: { maxSteps: number } }[]
  assert.deepEqual(
    jobs.flatMap(({ spec }) => spec.maxSteps ?? []),
    [4 * scaled(taskOf('coco-pose').steps, RUN)],
  )
})

test('each job takes as many steps as the job of the demonstration', async () => {
  const samples = await readDemonstration({ stateDir: 'state' })
  const stepsOf = (name: string) => {
    const sample = samples.find(({ object: { kind, metadata } }) => kind.endsWith('Job') && metadata.name === name)
    return (sample?.object as { spec?: { maxSteps?: number } } | undefined)?.spec?.maxSteps
  }
  assert.deepEqual(
    TASKS.map(({ name, steps }) => [name, steps]),
    TASKS.map(({ name }) => [name, stepsOf(name)]),
  )
  assert.equal(pretrainSteps, stepsOf('jft-mini'))
})
