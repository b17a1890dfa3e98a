import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { Job } from '../../../src/api/job.ts'
import { parseRuntimeConfig } from '../../../src/contract/parse-config.ts'
import { ENV } from '../../../src/contract/runtime.ts'
import { planJob } from '../../../src/plan/job-plan.ts'
import { runtimeConfig } from '../../../src/plan/runtime-config.ts'
import { finetune, pretrain, transfer } from '../../support/job-cases.ts'
import { DATA, finetuneJob, jobOf, OPTIONS, podsOf, pretrainJob, SOURCE } from './jobs.ts'

const hashOf = (job: Job, options = OPTIONS) => planJob(job, options).hash

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze)
  return value
}

suite('a plan', () => {
  test('is the same for the same job, and does not change the job', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.boolean(), (ps, workers, fine) => {
        const over = { parameterServer: { replicas: ps }, workers: { replicas: workers } }
        const job = freeze(fine ? finetuneJob(over) : pretrainJob(over))
        const [one, two] = [planJob(job, OPTIONS), planJob(structuredClone(job), OPTIONS)]
        assert.deepEqual(podsOf(job, one), podsOf(job, two))
        assert.deepEqual(one.service, two.service)
        assert.equal(one.hash, two.hash)
        assert.deepEqual(one.desired, { ps, worker: workers, evaluator: 1 })
      }),
      { numRuns: 30 },
    )
  })

  test('makes the job the owner of its objects', () => {
    const job = pretrainJob()
    const { service } = planJob(job, OPTIONS)
    for (const { metadata } of [service, ...podsOf(job)]) {
      assert.equal(metadata.namespace, 'team')
      assert.deepEqual(
        metadata.ownerReferences.map(({ kind, name, uid, controller }) => [kind, name, uid, controller]),
        [['PretrainJob', 'jft', job.metadata.uid, true]],
      )
    }
  })

  test('gives DNS names only to parameter servers', () => {
    const job = pretrainJob()
    const { selector } = planJob(job, OPTIONS).service.spec as { selector: Record<string, string> }
    const named = podsOf(job).filter(({ metadata: { labels } }) =>
      Object.entries(selector).every(([label, value]) => labels[label] === value),
    )
    const hosts = runtimeConfig(job).topology.psHosts.map((host) => host.split('.')[0])
    assert.deepEqual(
      named.map(({ metadata }) => metadata.name),
      hosts,
    )
  })

  test('of a FinetuneJob needs its source', () => {
    assert.throws(() => planJob(jobOf(finetune()), OPTIONS), { code: 'BUG_NO_SOURCE' })
  })
})

test('the steps of transfers are kept checkpoints, without repetitions', () => {
  const at = (name: string, steps: number[]) => transfer({ name, at: { steps } })
  const job = pretrainJob({ transfers: [at('one', [300, 100]), at('two', [300]), transfer({ name: 'end' })] })
  assert.deepEqual(runtimeConfig(job).checkpoint.keepSteps, [100, 300])
  assert.deepEqual(runtimeConfig(finetuneJob()).checkpoint.keepSteps, [])
})

suite('the hash of a plan', () => {
  const base = () => pretrainJob()

  for (const [what, over] of [
    ['more workers', { workers: { replicas: 7 } }],
    ['more parameter servers', { parameterServer: { replicas: 3 } }],
    ['suspension', { suspend: true }],
    ['a deadline', { activeDeadlineSeconds: 5 }],
    ['another backoff limit', { backoffLimit: 1 }],
  ] as const) {
    test(`does not depend on ${what}, so existing pods stay`, () => {
      assert.equal(hashOf(pretrainJob(over)), hashOf(base()))
    })
  }

  test('does not depend on the order of fields', () => {
    const template = { nodeSelector: { a: '1', b: '2' }, serviceAccountName: 'x' }
    const reversed = { serviceAccountName: 'x', nodeSelector: { b: '2', a: '1' } }
    assert.equal(
      hashOf(pretrainJob({ workers: { template } })),
      hashOf(pretrainJob({ workers: { template: reversed } })),
    )
  })

  const volume = (claimName: string, path?: string) => ({ storage: { volume: { claimName, ...(path && { path }) } } })
  for (const [what, over] of [
    ['the learning rate', { learningRate: { type: 'constant', initial: 0.1 } }],
    ['the optimizer', { optimizer: { type: 'momentum', momentum: 0.9 } }],
    ['the batch size', { batchSize: 16 }],
    ['the weight decay', { weightDecay: 0 }],
    ['the length', { maxSteps: 5 }],
    ['the seed', { seed: 5 }],
    ['the model', { model: { backbone: 'resnet50' } }],
    ['the task', { task: { type: 'multi-label', classes: 9 } }],
    ['the input', { input: { flip: false } }],
    ['batch norm', { batchNorm: { decay: 0.5 } }],
    ['asynchrony', { async: { fetchEvery: 2 } }],
    ['compression', { async: { compression: 'int8' } }],
    ['the backend', { runtime: { backend: 'wasm' } }],
    ['the image', { runtime: { image: 'mine' } }],
    ['the folder of the data', { data: { ...DATA, source: { claimName: 'jft', path: 'other' } } }],
    ['the claim of the data', { data: { ...DATA, source: { claimName: 'other' } } }],
    ['the labels', { data: { ...DATA, source: { claimName: 'jft' }, labels: 'other.json' } }],
    ['the subset', { data: { ...DATA, source: { claimName: 'jft' }, subset: { fraction: 0.5 } } }],
    ['the claim of checkpoints', { checkpoint: volume('other') }],
    ['the folder of checkpoints', { checkpoint: volume('checkpoints', 'other') }],
    ['the evaluation', { evaluation: { data: DATA, metric: 'loss' } }],
    [
      'the claim of evaluation',
      { evaluation: { data: { ...DATA, source: { claimName: 'x', path: 'v' } }, metric: 'mAP@100' } },
    ],
    ['resources', { workers: { template: { resources: { limits: { cpu: 1 } } } } }],
    ['the priority class', { scheduling: { priorityClassName: 'high' } }],
    ['the limit of non-finite gradients', { maxNonFinite: 3 }],
    ['the processes of a worker', { workers: { perPod: 2 } }],
  ] as const) {
    test(`depends on ${what}`, () => assert.notEqual(hashOf(pretrainJob(over)), hashOf(base())))
  }

  test('does not change when the checkpoint on a volume is known, so running pods stay; its digest reaches new ones', () => {
    const raw = pretrain({ from: { volume: { claimName: 'weights', path: 'w' } } })
    const { pretrainJob: _, uid: __, ...found } = SOURCE
    const [before, after] = [jobOf(raw), jobOf(raw, { source: found })]
    assert.equal(hashOf(before), hashOf(after))
    assert.deepEqual(planJob(before, OPTIONS).runtimeConfig.init, { type: 'folder', path: 'w' })
    assert.deepEqual(planJob(after, OPTIONS).runtimeConfig.init, { type: 'folder', path: 'w', digest: SOURCE.digest })
    assert.notEqual(hashOf(before), hashOf(jobOf(pretrain({ from: { volume: { claimName: 'weights' } } }))))
  })

  test("depends on the operator's default image, unless the job has its own", () => {
    const other = { defaultImage: 'other' }
    assert.notEqual(hashOf(base(), other), hashOf(base()))
    const own = pretrainJob({ runtime: { image: 'mine' } })
    assert.equal(hashOf(own, other), hashOf(own))
  })

  test('depends on the digest and the claim of the pinned source', () => {
    const hashes = [SOURCE, { ...SOURCE, digest: 'b'.repeat(64) }, { ...SOURCE, claimName: 'other' }].map((source) =>
      hashOf(jobOf(finetune(), { source })),
    )
    assert.equal(new Set(hashes).size, 3)
  })
})

suite('the runtime configuration of a plan', () => {
  const mini = { maxSteps: 50 }
  const jobs: [string, Job][] = [
    ...['jft-resnet101', 'jft-resnet50', 'jft-resnet152'].map((preset): [string, Job] => [
      preset,
      pretrainJob({ preset }),
    ]),
    ['imagenet-baseline', pretrainJob({ preset: 'imagenet-baseline', evaluation: undefined })],
    ['jft-mini', pretrainJob({ preset: 'jft-mini', ...mini })],
    ['imagenet-finetune', finetuneJob()],
    ['downstream-mini', finetuneJob({ preset: 'downstream-mini', ...mini })],
    [
      'preset downstream-mini, random weights and no source',
      jobOf(finetune({ preset: 'downstream-mini', ...mini, init: 'random', from: undefined })),
    ],
    ['no preset', pretrainJob({ preset: undefined, task: { classes: 20 }, ...mini })],
    [
      'checkpoints by minutes',
      pretrainJob({ checkpoint: { everyMinutes: 0.5, storage: { volume: { claimName: 'c' } } } }),
    ],
    ['no evaluation', jobOf(pretrain())],
    ['a bound on staleness', pretrainJob({ async: { maxStaleness: 3, policy: { type: 'dcAsgd' } } })],
    ['slow workers', pretrainJob({ workers: { stragglers: { slowerThan: 3 } } })],
    ['poly', pretrainJob({ learningRate: { type: 'poly', initial: 1, power: 0.9 } })],
  ]
  for (const [name, job] of jobs) {
    test(`is accepted by the runtime for a job with ${name}`, () => {
      const config = runtimeConfig(job)
      assert.deepEqual(parseRuntimeConfig({ [ENV.config]: JSON.stringify(config) }), JSON.parse(JSON.stringify(config)))
    })
  }

  test('has the seconds of everyMinutes', () => {
    const checkpoint = { everyMinutes: 0.5, storage: { volume: { claimName: 'c' } } }
    assert.equal(runtimeConfig(pretrainJob({ checkpoint })).checkpoint.everySeconds, 30)
  })

  test('says when a worker is slow only if the job does, so that pods of an earlier version keep their plan', () => {
    const stragglersOf = (workers: object) => runtimeConfig(pretrainJob({ workers })).stragglers
    assert.equal(stragglersOf({}), undefined)
    const given = { policy: 'Replace', slowerThan: 3, maxReplacements: 9 }
    assert.deepEqual(stragglersOf({ stragglers: given }), { slowerThan: 3, forSeconds: 300 })
  })

  test('says how many processes a worker has only if there are several, so that pods of an earlier version keep their plan', () => {
    const perPodOf = (workers: object) => runtimeConfig(pretrainJob({ workers })).perPod
    assert.deepEqual([perPodOf({}), perPodOf({ perPod: 1 }), perPodOf({ perPod: 8 })], [undefined, undefined, 8])
  })

  test('has another checkpoint folder than an earlier job of the same name', () => {
    const [one, two] = ['11111111-a', '22222222-b'].map((uid) => {
      const job = pretrainJob()
      return runtimeConfig({ ...job, metadata: { ...job.metadata, uid } }).checkpoint.path
    })
    assert.notEqual(one, two)
  })
})
