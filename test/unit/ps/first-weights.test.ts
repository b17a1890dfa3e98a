/** What a job takes from the checkpoint that it starts from, and the jobs that its weights descend from. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type Ancestor, lineageText, MAX_LINEAGE, MAX_NAMES } from '../../../src/contract/first-weights.ts'
import type { RuntimeConfig } from '../../../src/contract/runtime.ts'
import { firstWeightsOf, type SourceManifest } from '../../../src/ps/first-weights.ts'
import { sizeOf, storedVariable, type VariableSpec } from '../../../src/support/variables.ts'
import { createTask } from '../../../src/tasks/registry.ts'
import { variable } from './fixtures.ts'

/** ResNet-101 without its last layer, with moving statistics (docs/paper.md). */
const RESNET101_VALUES = 42_605_504

type Wanted = Partial<Pick<RuntimeConfig, 'protocol'>> & { type: string; options: object; backbone?: string }

async function variablesOf({ type, options, backbone = 'resnet101', protocol = 'finetune' }: Wanted) {
  const task = { type, options: { ...options }, input: {} }
  const model = { backbone } as RuntimeConfig['model']
  const { variables } = await createTask({ task, model, protocol, batchNorm: { decay: 0.9, epsilon: 1e-5 } })
  return variables
}

function sourceOf(variables: readonly VariableSpec[], more: Partial<SourceManifest['manifest']> = {}): SourceManifest {
  const manifest = {
    job: { kind: 'PretrainJob', namespace: 'default', name: 'jft', uid: '1' },
    step: 70,
    model: { backbone: 'resnet101', variant: 'slim' },
    layout: { hash: 'hash', variables: variables.map(storedVariable) },
    ...more,
  }
  return { folder: 'jft/step-000000070', digest: 'd70', manifest }
}

const withoutModel = ({ manifest: { model: _model, ...manifest }, ...source }: SourceManifest): SourceManifest => ({
  ...source,
  manifest,
})

const jft = { type: 'multi-label', options: { classes: 18_291, headSlices: 50 } }
const imagenet = { type: 'imagenet-classification', options: { classes: 1000 } }

describe('a job of ImageNet from one of JFT-300M', () => {
  for (const protocol of ['finetune', 'frozen'] as const)
    test(`loads the backbone and no part of the head (protocol ${protocol})`, async () => {
      const [source, own] = await Promise.all([variablesOf(jft), variablesOf({ ...imagenet, protocol })])
      const { init } = firstWeightsOf(own, sourceOf(source))
      assert.equal(init.loaded.values, RESNET101_VALUES)
      assert.deepEqual([init.skipped.variables, init.skipped.values], [100, 2048 * 18_291 + 18_291])
      assert.deepEqual([init.new.variables, init.new.values], [2, 2_049_000])
      assert.equal(init.loaded.variables + init.new.variables, own.length)
      assert.equal(init.loaded.names[0], own[0]?.name)
    })

  test('draws everything if it starts from random weights', async () => {
    const own = await variablesOf(imagenet)
    const { init, lineage } = firstWeightsOf(own)
    assert.deepEqual([init.loaded.variables, init.skipped.variables, init.new.variables], [0, 0, own.length])
    assert.deepEqual(lineage, [])
  })
})

test('a head of the same name and shape is drawn anew, and that of the source is skipped', async () => {
  const own = await variablesOf({
    type: 'multi-label',
    options: { classes: 7, headSlices: 1 },
    backbone: 'resnet-mini',
  })
  const { init } = firstWeightsOf(own, sourceOf(own))
  const head = own.filter(({ restored }) => restored === false).map(({ name }) => name)
  assert.ok(head.length > 0)
  assert.deepEqual([init.skipped.names, init.new.names], [head, head])
})

describe('a source of another network', () => {
  for (const [what, source, own, code, message] of [
    ['more blocks', 'resnet152', 'resnet101', 'CHECKPOINT_OTHER_MODEL', /block\d\/unit_\d+.*, and \d+ more/],
    ['fewer blocks', 'resnet50', 'resnet101', 'CHECKPOINT_INCOMPLETE', /\(missing\).*, and \d+ more/],
    ['other shapes', 'resnet-mini', 'resnet50', 'CHECKPOINT_INCOMPLETE', /expected \[/],
  ] as const)
    test(`with ${what} is refused, also by a checkpoint of an older version, which names no model`, async () => {
      const [stored, wanted] = await Promise.all(
        [source, own].map((backbone) => variablesOf({ ...imagenet, backbone })),
      )
      const older = withoutModel(sourceOf(stored ?? []))
      assert.throws(() => firstWeightsOf(wanted ?? [], older), { code, message })
    })
})

const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { maxLength: 12 })

test('every variable is loaded or new, and every one of the source loaded or skipped', () => {
  fc.assert(
    fc.property(names, names, fc.infiniteStream(fc.boolean()), (mine, theirs, coins) => {
      const stored = new Set(theirs)
      const own = mine.map((name, i) => {
        const isHead = !stored.has(name) || coins.next().value === true
        return variable(name, i + 1, isHead ? { restored: false } : {})
      })
      const lengths = new Map(mine.map((name, i) => [name, i + 1]))
      const theirVariables = theirs.map((name) => variable(name, lengths.get(name) ?? 3))
      const { init } = firstWeightsOf(own, sourceOf(theirVariables))
      const total = (of: readonly VariableSpec[]) => of.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
      assert.equal(init.loaded.variables + init.new.variables, own.length)
      assert.equal(init.loaded.values + init.new.values, total(own))
      assert.equal(init.loaded.variables + init.skipped.variables, theirs.length)
      assert.equal(init.loaded.values + init.skipped.values, total(theirVariables))
      assert.ok(init.loaded.names.every((name) => stored.has(name)))
      for (const { variables, names } of Object.values(init)) assert.equal(names.length, Math.min(variables, MAX_NAMES))
    }),
  )
})

describe('the lineage', () => {
  const own = [variable('w', 3)]
  const ancestors = (count: number): Ancestor[] =>
    Array.from({ length: count }, (_, i) => ({ kind: 'PretrainJob', name: `job-${i}`, step: i, digest: `d${i}` }))

  test('has the source first, then its ancestors', () => {
    const { lineage } = firstWeightsOf(own, sourceOf(own, { lineage: ancestors(2) }))
    assert.deepEqual(
      lineage.map(({ name, step, digest }) => [name, step, digest]),
      [
        ['jft', 70, 'd70'],
        ['job-0', 0, 'd0'],
        ['job-1', 1, 'd1'],
      ],
    )
    assert.equal(lineageText(lineage), 'PretrainJob/jft step 70 < PretrainJob/job-0 step 0 < PretrainJob/job-1 step 1')
    assert.equal(lineageText([]), 'random weights')
  })

  test('drops the most distant ancestors of a long chain', () => {
    const { lineage } = firstWeightsOf(own, sourceOf(own, { lineage: ancestors(MAX_LINEAGE) }))
    assert.equal(lineage.length, MAX_LINEAGE)
    assert.deepEqual([lineage[0]?.name, lineage.at(-1)?.name], ['jft', `job-${MAX_LINEAGE - 2}`])
  })
})
