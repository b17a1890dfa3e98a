import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { parseJob, validateJob } from '../../../src/api/parse.ts'
import { fillSpec, merge } from '../../../src/api/resolve.ts'
import { finetuneManifest, transferPlans } from '../../../src/api/transfers.ts'
import { DownpourError } from '../../../src/support/errors.ts'
import { finetune, pretrain, transfer } from '../../support/job-cases.ts'

suite('an invalid job', () => {
  test('is refused with a code, the first issue and their number in the message, and all issues in the details', () => {
    const job = pretrain({ workers: { replicas: 0 }, batch_size: 3, maxSteps: 'long' })
    assert.throws(
      () => parseJob(job),
      (error) => {
        assert.ok(error instanceof DownpourError)
        assert.equal(error.code, 'INVALID_JOB')
        assert.match(error.message, /^PretrainJob\/jft: spec\.\S+: .* \(and 2 more\)$/)
        assert.deepEqual(
          (error.details.issues as { path: string; value: unknown }[]).map(({ path, value }) => [path, value]).sort(),
          [
            ['spec.batch_size', 3],
            ['spec.maxSteps', 'long'],
            ['spec.workers.replicas', 0],
          ],
        )
        return true
      },
    )
  })

  for (const [name, raw, path] of [
    ['nothing', undefined, ''],
    ['a string', 'job', ''],
    ['a list', [], ''],
    ['another kind', { ...pretrain(), kind: 'TFJob' }, 'kind'],
    ['another version', { ...pretrain(), apiVersion: 'downpour.dev/v2' }, 'apiVersion'],
    ['no metadata', { ...pretrain(), metadata: undefined }, 'metadata.name'],
    ['no spec', { ...pretrain(), spec: undefined }, 'spec'],
    ['a spec that is a string', { ...pretrain(), spec: 'fast' }, 'spec'],
  ] as const) {
    test(`has an issue at path "${path}" if it is or has ${name}`, () => {
      assert.ok(validateJob(raw).some((issue) => issue.path === path))
    })
  }

  test('gets no suggestion for a field without a similar name', () => {
    const [issue] = validateJob(pretrain({ frobnicate: 1 }))
    assert.equal(issue?.message, 'unknown field')
  })

  test('never makes the validation itself throw', () => {
    fc.assert(
      fc.property(
        fc.anything(),
        fc.constantFrom('spec', 'model', 'workers', 'transfers', 'learningRate'),
        (thing, where) => {
          const job = where === 'spec' ? { ...pretrain(), spec: thing } : pretrain({ [where]: thing })
          assert.ok(Array.isArray(validateJob(job)))
        },
      ),
      { numRuns: 300 },
    )
  })
})

suite('presets and defaults', () => {
  const leaf = fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.array(fc.integer(), { maxLength: 2 }))
  const key = fc.constantFrom('a', 'b', 'c', 'model', 'classes')
  const { tree } = fc.letrec((tie) => ({
    tree: fc.dictionary(key, fc.oneof({ maxDepth: 3 }, leaf, tie('tree')), { maxKeys: 4, noNullPrototype: true }),
  }))
  const fields = tree as fc.Arbitrary<Record<string, unknown>>

  /** @returns the values that are not objects, by path */
  function leaves(value: unknown, path: string[] = []): [string[], unknown][] {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[path, value]]
    return Object.entries(value).flatMap(([name, inner]) => leaves(inner, [...path, name]))
  }
  const at = (value: unknown, path: string[]) =>
    path.reduce<unknown>((inner, name) => (inner as Record<string, unknown>)[name], value)

  test('give way to the value of the user at every depth', () => {
    fc.assert(
      fc.property(fields, fields, (base, user) => {
        const merged = merge(base, user)
        for (const [path, value] of leaves(user)) assert.deepEqual(at(merged, path), value)
      }),
    )
  })

  test('fill in what the user omits, and neither input is changed', () => {
    fc.assert(
      fc.property(fields, fields, (base, user) => {
        const before = structuredClone([base, user])
        const merged = merge(base, user)
        assert.deepEqual([base, user], before)
        for (const name of Object.keys(base)) if (!(name in user)) assert.deepEqual(merged[name], base[name])
      }),
    )
  })

  test('give way to any number of the user', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 50, max: 1_000_000 }), (replicas, classes) => {
        const { spec } = parseJob(pretrain({ workers: { replicas }, task: { classes } }))
        assert.equal(spec.workers.replicas, replicas)
        assert.deepEqual(spec.task, { type: 'multi-label', classes, headSlices: 1 })
      }),
    )
  })

  test('are replaced by the whole learning rate schedule of the user, never mixed with it', () => {
    const learningRate = { type: 'exponential', initial: 1, factor: 0.5, everySteps: 9, staircase: false }
    assert.deepEqual(fillSpec('PretrainJob', { preset: 'jft-resnet101', learningRate }).learningRate, learningRate)
    const [issue] = validateJob(pretrain({ learningRate: { type: 'exponential', initial: 1 } }))
    assert.equal(issue?.path, 'spec.learningRate.factor')
  })

  test('a preset fills the input fields that the task of the author has', () => {
    const inputFor = (type: string) => fillSpec('FinetuneJob', { preset: 'voc-detection-mini', task: { type } }).input
    const preset = { shortSidePixels: 64, longSidePixels: 64, padToPixels: 64, flip: true }
    assert.deepEqual(inputFor('coco-detection'), preset)
    assert.deepEqual(inputFor('imagenet-classification'), { flip: true })
  })

  test('save a checkpoint every 1000 steps unless the user sets steps or minutes', () => {
    const everyOf = (over: object) => {
      const { everySteps, everyMinutes } = parseJob(
        pretrain({ checkpoint: { storage: { volume: { claimName: 'c' } }, ...over } }),
      ).spec.checkpoint
      return [everySteps, everyMinutes]
    }
    assert.deepEqual(everyOf({}), [1000, undefined])
    assert.deepEqual(everyOf({ everySteps: 7 }), [7, undefined])
    assert.deepEqual(everyOf({ everyMinutes: 5 }), [undefined, 5])
  })
})

suite('transfers', () => {
  test('become FinetuneJobs that validate, one for each step and one for the end', () => {
    const job = parseJob(pretrain({ transfers: [transfer({ at: { steps: [5, 9], success: true } })] }))
    assert.ok(job.kind === 'PretrainJob')
    const plans = transferPlans(job)
    assert.deepEqual(
      plans.map(({ name, step }) => [name, step]),
      [
        ['jft-imagenet-5', 5],
        ['jft-imagenet-9', 9],
        ['jft-imagenet', undefined],
      ],
    )
    for (const { manifest } of plans) assert.deepEqual(validateJob(manifest), [])
    assert.deepEqual(plans[0]?.manifest.spec.from, { pretrainJob: 'jft', checkpoint: 'step', step: 5 })
    assert.deepEqual(plans[2]?.manifest.spec.from, { pretrainJob: 'jft', checkpoint: 'latest' })
  })

  test('have issues at the path of the template in the PretrainJob', () => {
    const spec = {
      transfers: [
        transfer(),
        transfer({ name: 'two' }, { task: { type: 'imagenet-classification', classes: 2, headSlices: 3 } }),
      ],
    }
    const [issue] = validateJob(pretrain(spec))
    assert.equal(issue?.path, 'spec.transfers[1].template.task.headSlices')
    assert.equal(issue?.value, 3)
  })

  test('are in the namespace of their job', () => {
    const job = parseJob(pretrain({ transfers: [transfer()] }))
    assert.ok(job.kind === 'PretrainJob' && job.spec.transfers?.[0])
    assert.equal(
      finetuneManifest(job.metadata, job.spec.transfers[0]).metadata.namespace,
      finetune().metadata.namespace,
    )
  })
})
