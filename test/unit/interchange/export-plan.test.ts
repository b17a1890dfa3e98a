import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Manifest, ModelRecord } from '../../../src/checkpoint/manifest.ts'
import { type ExportWishes, planExport } from '../../../src/interchange/export-plan.ts'
import { storedVariable, type VariableSpec } from '../../../src/support/variables.ts'
import { network } from './fixtures.ts'

const TORCHVISION = { backbone: 'resnet50', variant: 'torchvision', batchNormEpsilon: 1e-5 }
const { variables } = network({ backbone: 'resnet50', classes: 7, headSlices: 3 })
const extra = (name: string): VariableSpec => ({
  name,
  shape: [2],
  kind: 'trainable',
  decay: false,
  init: { type: 'zeros' },
})

function plan(all: readonly VariableSpec[], model: ModelRecord | undefined, wishes: ExportWishes = {}) {
  const layout = { hash: '', variables: all.map(storedVariable) }
  return planExport('FOLDER', { layout, ...(model ? { model } : {}) } as Manifest, wishes)
}

test('backbone and last layer of the variant torchvision', () => {
  const { backbone, variant, batchNormEpsilon, classCount, tensors, leftOut, isDeclared } = plan(variables, TORCHVISION)
  assert.deepEqual([backbone, variant, batchNormEpsilon], ['resnet50', 'torchvision', 1e-5])
  assert.deepEqual([classCount, leftOut, isDeclared], [7, 0, true])
  assert.deepEqual(tensors.find(({ name }) => name === 'fc.weight')?.shape, [7, 2048])
  assert.deepEqual(tensors.find(({ name }) => name === 'fc.bias')?.shape, [7])
  assert.equal(tensors.length, 53 * 5 + 2)
})

test('the backbone alone, whatever else there is', () => {
  const all = [...variables, extra('rpn/conv/weights'), extra('rpn/conv/bias')]
  const { classCount, tensors, leftOut } = plan(all, TORCHVISION, { backboneOnly: true })
  assert.deepEqual([classCount, tensors.length, leftOut], [undefined, 53 * 5, 3 * 2 + 2])
  assert.equal(
    plan(
      variables.filter(({ name }) => !name.startsWith('head/')),
      TORCHVISION,
    ).classCount,
    undefined,
  )
})

test('the slices of a last layer count by number: 10 follows 9', () => {
  const many = network({ backbone: 'resnet50', classes: 23, headSlices: 12 }).variables
  const head = plan(many.toReversed(), TORCHVISION).tensors.find(({ name }) => name === 'fc.weight')
  assert.deepEqual(
    head?.variables.map(({ name }) => name),
    Array.from({ length: 12 }, (_, i) => `head/slice_${i}/weights`),
  )
})

test('an older manifest is slim, and its epsilon is not known', () => {
  const { variant, batchNormEpsilon, isDeclared } = plan(variables, undefined, { allowSlim: true })
  assert.deepEqual([variant, batchNormEpsilon, isDeclared], ['slim', 1e-5, false])
  assert.equal(plan(variables, { ...TORCHVISION, batchNormEpsilon: 1e-3 }).batchNormEpsilon, 1e-3)
})

test('what torchvision has no counterpart of is refused, with the reason', () => {
  const mini = network({ backbone: 'resnet-mini', classes: 7 }).variables
  const deeper = network({ backbone: 'resnet101', classes: 7 }).variables
  const without = (name: string) => variables.filter((variable) => variable.name !== name)
  const narrow = variables.map((variable) =>
    variable.name === 'root/weights' ? { ...variable, shape: [7, 7, 3, 32] } : variable,
  )
  const thin = variables.map((v) => (v.name === 'head/slice_1/weights' ? { ...v, shape: [24, 2] } : v))
  const slim = { ...TORCHVISION, variant: 'slim' }
  for (const [all, model, code, message] of [
    [
      variables,
      slim,
      'EXPORT_SLIM',
      /FOLDER is a resnet50 of the variant slim.*last unit.*without an error.*--allow-slim/,
    ],
    [variables, undefined, 'EXPORT_SLIM', /variant slim/],
    [
      mini,
      { ...slim, backbone: 'resnet-mini' },
      'EXPORT_ARCHITECTURE',
      /resnet-mini, which torchvision does not have: only resnet18, resnet50, resnet101, resnet152/,
    ],
    [deeper, TORCHVISION, 'CHECKPOINT_OTHER_MODEL', /declares resnet50, but its variables are those of resnet101/],
    [
      narrow,
      TORCHVISION,
      'CHECKPOINT_OTHER_MODEL',
      /declares resnet50, but its variables are those of another network/,
    ],
    [narrow, undefined, 'EXPORT_ARCHITECTURE', /a network that is unknown here/],
    [without('block2/unit_1/conv1/gamma'), TORCHVISION, 'CHECKPOINT_OTHER_MODEL', /another network/],
    [
      variables,
      { ...TORCHVISION, variant: 'msra' },
      'CHECKPOINT_OTHER_MODEL',
      /in the variant msra: expected slim or torchvision/,
    ],
    [
      [...variables, extra('rpn/a'), extra('rpn/b'), extra('rpn/c'), extra('rpn/d')],
      TORCHVISION,
      'EXPORT_VARIABLES',
      /lacks: rpn\/a, rpn\/b, rpn\/c, and 1 more; pass --backbone-only/,
    ],
    [without('head/slice_0/weights'), TORCHVISION, 'CHECKPOINT_HEAD', /fc.weight lacks slice 0/],
    [without('head/slice_1/bias'), TORCHVISION, 'CHECKPOINT_HEAD', /fc.bias lacks slice 1/],
    [without('head/slice_2/bias'), TORCHVISION, 'CHECKPOINT_HEAD', /7 outputs and 5 biases/],
    [thin, TORCHVISION, 'CHECKPOINT_HEAD', /head\/slice_1\/weights has 24 inputs, expected 2048/],
  ] as const)
    assert.throws(() => plan(all, model), { code, message }, code)
})
