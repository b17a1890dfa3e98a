import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { DeclaredTensor, Dtype } from '../../../src/checkpoint/safetensors-header.ts'
import { planImport } from '../../../src/interchange/import-plan.ts'
import { encodeMetadata } from '../../../src/interchange/metadata.ts'
import { headerOf, torchvisionTensors } from './files.ts'

const SOURCE = { digest: '00', step: 5, job: 'PretrainJob default/jft' }
const CLASSES = ['a', 'b', 'c'].map((name, id) => ({ id, name, parents: [] }))
const resnet50 = torchvisionTensors('resnet50', 3)
const ours = (more: object = {}) => ({
  ...encodeMetadata(
    { backbone: 'resnet50', variant: 'slim', batchNormEpsilon: 1e-3, classCount: 3, classes: CLASSES },
    SOURCE,
  ),
  ...more,
})

function plan(
  tensors: readonly DeclaredTensor[],
  { metadata = {}, ...wishes }: { metadata?: Record<string, string> } & Parameters<typeof planImport>[1] = {},
) {
  return planImport({ path: 'FILE', header: headerOf(tensors, metadata) }, wishes)
}

const without = (name: string) => resnet50.filter((tensor) => tensor.name !== name)
const changed = (name: string, more: Partial<DeclaredTensor>) =>
  resnet50.map((tensor) => (tensor.name === name ? { ...tensor, ...more } : tensor))
const renamed = (tensors: readonly DeclaredTensor[], rename: (name: string) => string) =>
  tensors.map((tensor) => ({ ...tensor, name: rename(tensor.name) }))

test('a file that declares nothing is torchvision, unless the caller knows better', () => {
  const { backbone, variant, isDeclared, batchNormEpsilon, classCount, classes } = plan(resnet50)
  assert.deepEqual([backbone, variant, isDeclared, batchNormEpsilon], ['resnet50', 'torchvision', false, 1e-5])
  assert.deepEqual([classCount, classes], [3, undefined])
  assert.equal(plan(resnet50, { metadata: { format: 'pt' }, variant: 'slim' }).variant, 'slim')
})

test('a file of Downpour declares variant, epsilon and classes', () => {
  const { variant, isDeclared, batchNormEpsilon, classes } = plan(resnet50, { metadata: ours() })
  assert.deepEqual([variant, isDeclared, batchNormEpsilon, classes], ['slim', true, 1e-3, CLASSES])
  assert.equal(plan(resnet50, { metadata: ours(), variant: 'slim' }).variant, 'slim')
})

test('every backbone of torchvision, with and without a last layer, and without counters', () => {
  for (const backbone of ['resnet50', 'resnet101', 'resnet152'] as const) {
    const alone = plan(torchvisionTensors(backbone))
    assert.deepEqual([alone.backbone, alone.classCount], [backbone, undefined])
    assert.equal(plan(torchvisionTensors(backbone, 18_291)).classCount, 18_291)
    assert.equal(plan(torchvisionTensors(backbone, 2).filter(({ dtype }) => dtype === 'F32')).backbone, backbone)
  }
})

test('prefixes of wrappers are dropped when all names have them', () => {
  assert.equal(plan(renamed(resnet50, (name) => `module.${name}`)).prefix, 'module.')
  assert.equal(plan(renamed(resnet50, (name) => `_orig_mod.module.${name}`)).prefix, '_orig_mod.module.')
  const some = resnet50.map((tensor) => (tensor.name === 'fc.bias' ? { ...tensor, name: 'module.fc.bias' } : tensor))
  assert.throws(() => plan(some), {
    code: 'IMPORT_MISFIT',
    message: /: fc.bias \(missing\), module.fc.bias \(not in resnet50\)$/,
  })
})

test('types of floating-point numbers are converted, others refused', () => {
  for (const dtype of ['F16', 'BF16', 'F64'] as const)
    assert.deepEqual(plan(changed('fc.weight', { dtype })).converted, [dtype])
  assert.deepEqual(plan(resnet50).converted, [])
  for (const dtype of ['I64', 'I32'] as const)
    assert.throws(() => plan(changed('fc.weight', { dtype })), {
      code: 'IMPORT_MISFIT',
      message: /fc.weight \(I(64|32), expected/,
    })
})

test('any tensor that is missing, misshapen or unknown is named, with the number of all', () => {
  const index = fc.nat(resnet50.length - 1)
  const problem = fc.constantFrom('missing', 'misshapen', 'unknown')
  fc.assert(
    fc.property(index, problem, fc.integer({ min: 1, max: 9 }), (i, kind, size) => {
      const { name, shape } = resnet50[i] as DeclaredTensor
      const isCounter = name.endsWith('num_batches_tracked')
      if (kind === 'missing') {
        if (isCounter) return void plan(without(name))
        assert.throws(() => plan(without(name)), {
          code: 'IMPORT_MISFIT',
          message: new RegExp(`FILE does not fit resnet50.*: ${name} \\(missing\\)$`),
        })
      } else if (kind === 'misshapen') {
        const message = isCounter
          ? `${name} \\(\\[${size}\\], expected a single number\\)`
          : `${name} \\(\\[${[...shape, size]}\\], expected \\[${shape}\\]\\)`
        assert.throws(() => plan(changed(name, { shape: [...shape, size] })), {
          code: 'IMPORT_MISFIT',
          message: new RegExp(message),
        })
      } else {
        const alien = { name: `${name}_${size}`, dtype: 'F32' as Dtype, shape: [] }
        assert.throws(() => plan([...resnet50, alien]), {
          code: 'IMPORT_MISFIT',
          message: new RegExp(`${alien.name} \\(not in resnet50\\)`),
        })
      }
    }),
    { numRuns: 300 },
  )
  const few = resnet50.filter(({ name }) => !/^(bn1|layer2\.1\.bn1)\./.test(name))
  assert.throws(() => plan(few), { message: /: bn1.weight \(missing\), .*, and 3 more$/ })
})

test('a file of another network is called by its name, beside those that can be imported', () => {
  const basic = resnet50.filter(({ name }) => !/\.(conv3|bn3|downsample)\b/.test(name))
  const shorter = basic.filter(({ name }) => !/^layer(1\.2|2\.[23]|3\.[2345]|4\.[12])\./.test(name))
  const wide = changed('layer1.0.conv2.weight', { shape: [128, 128, 3, 3] })
  const grouped = changed('layer1.0.conv2.weight', { shape: [128, 4, 3, 3] })
  const one = (name: string): DeclaredTensor[] => [{ name, dtype: 'F32', shape: [1] }]
  for (const [tensors, found] of [
    [basic, 'resnet34'],
    [shorter, 'a ResNet with basic blocks, 2,2,2,1 in its layers'],
    [wide, 'wide_resnet50_2'],
    [grouped, 'resnext50_32x4d'],
    [resnet50.filter(({ name }) => !name.startsWith('layer4.2.')), 'a ResNet with 3,4,6,2 units'],
    [one('class_token'), 'a vision transformer'],
    [one('block1/unit_1/conv1/weights'), 'a shard of a Downpour checkpoint'],
    [one('resnet_v1_50/conv1/weights'), 'a ResNet with the names of TF-slim'],
    [one('features.0.weight'), 'a VGG or AlexNet'],
    [one('backbone.body.conv1.weight'), 'a detector or segmenter'],
    [[...resnet50, ...one('conv1.0.weight')], 'a ResNet with a deep stem'],
    [one('w'), 'an unknown network \\(1 tensors: w\\)'],
    [[], 'an unknown network \\(without tensors\\)'],
  ] as const) {
    const message = new RegExp(
      `FILE has the weights of ${found}.*: expected those of resnet18, resnet50, resnet101, resnet152`,
    )
    assert.throws(() => plan(tensors), { code: 'IMPORT_ARCHITECTURE', message }, found)
  }
})

test('contradictions are refused', () => {
  const two = CLASSES.slice(0, 2)
  for (const [tensors, options, code, message] of [
    [
      resnet50,
      { metadata: ours(), variant: 'torchvision' },
      'IMPORT_VARIANT',
      /--variant torchvision: FILE declares its variant: slim/,
    ],
    [
      resnet50,
      { classes: two },
      'IMPORT_CLASSES',
      /FILE has a last layer with 3 outputs, and the list of classes has 2/,
    ],
    [torchvisionTensors('resnet50'), { classes: two }, 'IMPORT_CLASSES', /FILE has no last layer/],
    [
      torchvisionTensors('resnet101', 3),
      { metadata: ours() },
      'METADATA_INVALID',
      /architecture: resnet50: its tensors are those of resnet101/,
    ],
    [
      resnet50,
      { metadata: ours({ variant: 'msra' }) },
      'METADATA_INVALID',
      /__metadata__.variant: "msra": expected slim or torchvision/,
    ],
    [
      resnet50,
      { metadata: ours({ stride_placement: 'x' }) },
      'METADATA_INVALID',
      /stride_placement: "x": expected conv2 of the last unit/,
    ],
    [
      resnet50,
      { metadata: ours({ input_mean: '[0,0,0]' }) },
      'METADATA_INVALID',
      /input_mean: .*expected \[0.5,0.5,0.5\]/,
    ],
    [resnet50, { metadata: ours({ batch_norm_epsilon: 'NaN' }) }, 'METADATA_INVALID', /batch_norm_epsilon: "NaN"/],
    [resnet50, { metadata: ours({ classes: '[' }) }, 'CLASSES_INVALID', /FILE: __metadata__.classes/],
    [resnet50, { metadata: ours({ classes: JSON.stringify(two) }) }, 'IMPORT_CLASSES', /the list of classes has 2/],
  ] as const)
    assert.throws(() => plan(tensors, options), { code, message }, code)
})

test('the metadata of each variant says strides, padding and pixels', () => {
  const torchvision = encodeMetadata({ backbone: 'resnet101', variant: 'torchvision', batchNormEpsilon: 1e-5 }, SOURCE)
  assert.deepEqual(torchvision, {
    format: 'pt',
    producer: 'downpour',
    architecture: 'resnet101',
    variant: 'torchvision',
    stride_placement: 'conv2 of the first unit of a layer',
    max_pool_padding: '1 on every side',
    input_channels: 'RGB',
    input_range: '[0, 1]',
    input_mean: '[0.485,0.456,0.406]',
    input_std: '[0.229,0.224,0.225]',
    batch_norm_epsilon: '0.00001',
    source_digest: 'sha256:00',
    source_step: '5',
    source_job: 'PretrainJob default/jft',
  })
  const { stride_placement, max_pool_padding, input_mean, class_count, classes } = ours() as Record<string, string>
  assert.deepEqual(
    [stride_placement, max_pool_padding, input_mean, class_count],
    ['conv2 of the last unit of a layer', 'same', '[0.5,0.5,0.5]', '3'],
  )
  assert.deepEqual(JSON.parse(classes ?? ''), CLASSES)
})
