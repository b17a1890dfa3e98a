import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { RuntimeConfig } from '../../../src/contract/runtime.ts'
import { Model } from '../../../src/contract/training.ts'
import { BACKBONES } from '../../../src/models/architectures.ts'
import { type Backbone, buildBackbone } from '../../../src/models/backbone.ts'
import { createPass, type Weights } from '../../../src/models/layer.ts'
import { silentLog } from '../../../src/support/log.ts'
import { jobBackbone } from '../../../src/tasks/job-backbone.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { tf } from '../../../src/tensor/tf.ts'
import { drawWeights, image } from '../models/builders.ts'
import { makeConfig } from '../ps/fixtures.ts'

before(async () => void (await selectBackend('wasm', silentLog)))

type Variant = NonNullable<RuntimeConfig['model']['variant']>

const EPSILON = 0.5
const IMAGENET = { type: 'standardised', mean: [0.485, 0.456, 0.406], stddev: [0.229, 0.224, 0.225] } as const

interface JobSettings {
  protocol?: RuntimeConfig['protocol']
  freeze?: NonNullable<RuntimeConfig['freeze']>
  mode?: NonNullable<RuntimeConfig['batchNorm']['mode']>
}

function jobWith(
  backbone: RuntimeConfig['model']['backbone'],
  { protocol = 'finetune', freeze, mode }: JobSettings = {},
): RuntimeConfig {
  const config = makeConfig({ protocol, ...(freeze && { freeze }) })
  const batchNorm = { decay: 0.9, epsilon: EPSILON, ...(mode && { mode }) }
  return { ...config, model: { ...config.model, backbone }, batchNorm }
}

function lastFeature(backbone: Backbone, weights: Weights): number[] {
  const pass = createPass(weights, { training: false })
  return tf.tidy(() => [...(backbone.apply(image(1, 16), pass).at(-1)?.x_BHWC.dataSync() ?? [])])
}

/** Maps each stage to whether all of its variables are frozen. */
function frozenStages({ variables }: Backbone): Record<string, boolean> {
  const stages = Map.groupBy(variables, ({ name }) => name.split('/')[0] as string)
  return Object.fromEntries([...stages].map(([stage, own]) => [stage, own.every(({ kind }) => kind === 'frozen')]))
}

test('a task gets the backbone, the epsilon and the protocol of its job', () => {
  const backbone = jobBackbone(jobWith('resnet-mini'))()
  const weights = drawWeights(backbone, 3)
  const job = { name: 'resnet-mini', freeze: 'none', batchNorm: { epsilon: EPSILON } } as const
  assert.deepEqual(backbone.variables, buildBackbone(job).variables)
  assert.deepEqual(lastFeature(backbone, weights), lastFeature(buildBackbone(job), weights))
  const all = { root: true, block1: true, block2: true, block3: true }
  assert.deepEqual(frozenStages(jobBackbone(jobWith('resnet-mini', { protocol: 'frozen' }))()), all)
})

test('a task decides the output stride, and its job the frozen stages and the mode of batch norm', () => {
  const build = jobBackbone(jobWith('resnet50'))
  assert.deepEqual(
    build({ outputStride: 16 }).features.map(({ stride }) => stride),
    [4, 8, 16, 16],
  )
  const expected = { root: true, block1: true, block2: false, block3: false, block4: false }
  assert.deepEqual(
    frozenStages(jobBackbone(jobWith('resnet50', { freeze: { type: 'stages', stages: 2 } }))()),
    expected,
  )
  const kindsOf = (mode: 'frozen' | 'calibrated') =>
    Map.groupBy(jobBackbone(jobWith('resnet50', { mode }))().variables, ({ name }) => name.split('/').at(-1))
  for (const mode of ['frozen', 'calibrated'] as const) {
    const kinds = [...kindsOf(mode)].map(([part, own]) => [part, [...new Set(own.map(({ kind }) => kind))]])
    const statistic = mode === 'frozen' ? ['frozen'] : ['statistic']
    assert.deepEqual(Object.fromEntries(kinds), {
      ...{ weights: ['trainable'], gamma: ['frozen'], beta: ['frozen'] },
      ...{ moving_mean: statistic, moving_variance: statistic },
    })
  }
})

test('the variant of a job decides input, strides and padding, and changes no variable', () => {
  const build = (variant?: Variant) => {
    const config = jobWith('resnet50')
    return jobBackbone({ ...config, model: { ...config.model, ...(variant && { variant }) } })()
  }
  const weights = drawWeights(build(), 4)
  const job = { name: 'resnet50', freeze: 'none', batchNorm: { epsilon: EPSILON } } as const
  const torchvision = { input: IMAGENET, stridePlacement: 'firstUnit', rootPadding: 'symmetric' } as const
  const features = [undefined, 'slim', 'torchvision'].map((variant) => lastFeature(build(variant as Variant), weights))
  assert.deepEqual(features, [
    lastFeature(buildBackbone(job), weights),
    lastFeature(buildBackbone(job), weights),
    lastFeature(buildBackbone({ ...job, ...torchvision }), weights),
  ])
  assert.notDeepEqual(features[2], features[1])
  assert.deepEqual(build('torchvision').variables, build('slim').variables)
})

test('the frozen protocol of a job freezes more than its stages', () => {
  const job = jobWith('resnet-mini', { protocol: 'frozen', freeze: { type: 'stages', stages: 1 } })
  assert.deepEqual(Object.values(frozenStages(jobBackbone(job)())), [true, true, true, true])
})

test('settings that the backbone of the job does not have are refused', () => {
  const build = jobBackbone(jobWith('resnet-mini'))
  assert.throws(() => build({ outputStride: 8 }), { code: 'CONFIG_INVALID' })
})

test('a job can name every backbone that there is', () => {
  assert.deepEqual([...Model.shape.backbone.options].sort(), [...BACKBONES].sort())
})
