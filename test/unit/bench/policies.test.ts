import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadAll } from 'js-yaml'
import { CONTENDERS, WORKERS } from '../../../bench/policies/contenders.ts'
import { jobName, manifests } from '../../../bench/policies/manifests.ts'
import { verdicts } from '../../../bench/policies/verdict.ts'
import { validateJob } from '../../../src/api/parse.ts'
import { Compression } from '../../../src/contract/training.ts'
import { POLICIES } from '../../../src/ps/async/policies.ts'

const keptOf = (losses: Record<string, number[]>) => verdicts(new Map(Object.entries(losses))).map(({ kept }) => kept)

test('every policy, every compression and prefetch are compared with async', () => {
  assert.deepEqual([CONTENDERS[0].policy.type, CONTENDERS[0].compression], ['async', undefined])
  assert.deepEqual(new Set(CONTENDERS.map(({ policy }) => policy.type)), new Set(Object.keys(POLICIES)))
  const compressions = CONTENDERS.map(({ compression = 'none' }) => compression)
  assert.deepEqual(new Set(compressions), new Set(Compression.options))
  assert.ok(CONTENDERS.some(({ prefetch }) => prefetch))
})

test('the jobs are valid, and differ in nothing but seed and policy', () => {
  const run = { stateDir: 'state', seeds: [1, 2], steps: 50 }
  const all = loadAll(manifests(run, CONTENDERS)) as { kind: string; metadata: { name: string }; spec: object }[]
  const jobs = all.filter(({ kind }) => kind === 'PretrainJob')
  assert.deepEqual(
    jobs.map(({ metadata }) => metadata.name),
    [1, 2].flatMap((seed) => CONTENDERS.map((contender) => jobName(contender, seed))),
  )
  for (const job of jobs) assert.deepEqual(validateJob(job), [], job.metadata.name)
  const common = jobs.map(({ spec }) => ({ ...spec, seed: 0, async: {} }))
  assert.equal(new Set(common.map((spec) => JSON.stringify(spec))).size, 1)
  assert.match(JSON.stringify(common[0]), new RegExp(`"workers":{"replicas":${WORKERS}}`))
})

test('a loss may be two standard errors of the difference above that of async, and as low as it likes', () => {
  // Standard errors: 1/√3 of each, √(2/3) = 0.816 of the difference.
  const around = (mean: number) => [mean - 1, mean, mean + 1]
  assert.deepEqual(keptOf({ async: around(10), worse: around(11.6), bad: around(11.7), good: around(2) }), [
    true,
    true,
    false,
    true,
  ])
})

test('one seed has no standard error and decides nothing', () => {
  assert.deepEqual(keptOf({ async: [1], other: [1] }), [undefined, undefined])
})

test('a loss that is not finite keeps no promise', () => {
  assert.deepEqual(keptOf({ async: [1, 2, 3], other: [1, Number.NaN, 3] }), [true, false])
})
