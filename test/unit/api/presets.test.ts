import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Job } from '../../../src/api/job.ts'
import { parseJob } from '../../../src/api/parse.ts'
import { finetune, pretrain } from '../../support/job-cases.ts'

const specOf = (preset: string) => parseJob({ ...pretrain({ preset }) }).spec

/** Sizes of JFT-300M in the paper. */
const JFT_IMAGES = 300_000_000

suite('the preset has the numbers of the paper (paper.md §2.7, §1.4-1.7):', () => {
  for (const [preset, backbone] of [
    ['jft-resnet101', 'resnet101'],
    ['jft-resnet50', 'resnet50'],
    ['jft-resnet152', 'resnet152'],
  ] as const) {
    test(preset, () => {
      const spec = specOf(preset)
      assert.deepEqual(spec.model, { backbone })
      assert.deepEqual(spec.task, { type: 'multi-label', classes: 18_291, headSlices: 50 })
      assert.deepEqual(spec.optimizer, { type: 'rmsprop', decay: 0.9, momentum: 0.9, epsilon: 1e-10 })
      assert.deepEqual(spec.learningRate, {
        type: 'exponential',
        initial: 1e-3,
        factor: 0.9,
        everySteps: 3_000_000,
        staircase: true,
      })
      assert.equal(spec.maxSteps, 36_000_000)
      assertShared(spec)
    })
  }

  test('imagenet-baseline', () => {
    const spec = specOf('imagenet-baseline')
    assert.deepEqual(spec.model, { backbone: 'resnet101' })
    assert.deepEqual(spec.task, { type: 'imagenet-classification', classes: 1000, headSlices: 1 })
    assert.deepEqual(spec.optimizer, { type: 'momentum', momentum: 0.9 })
    const rate = spec.learningRate
    assert.ok(rate.type === 'piecewise')
    assert.equal(rate.values[0], 0.1)
    rate.boundaries.forEach((step, i) => {
      assert.equal(step, (i + 1) * 1_200_000)
      assert.ok(
        Math.abs((rate.values[i + 1] as number) / (rate.values[i] as number) - 0.1) < 1e-12,
        'divided by ten at each boundary',
      )
    })
    assert.equal(spec.maxSteps, 5_000_000)
    assert.ok((rate.boundaries.at(-1) as number) < spec.maxSteps)
    assert.ok((rate.boundaries.at(-1) as number) + 1_200_000 > spec.maxSteps, 'every drop that fits')
    assertShared(spec)
  })

  test('imagenet-finetune: the same recipe at a tenth of the rate and a third of the steps', () => {
    const { spec } = parseJob(finetune({ task: undefined }))
    assert.deepEqual(spec.task, { type: 'imagenet-classification', classes: 1000, headSlices: 1 })
    assert.deepEqual(spec.learningRate, {
      type: 'piecewise',
      boundaries: [400_000, 800_000, 1_200_000],
      values: [1e-2, 1e-3, 1e-4, 1e-5],
    })
    assert.equal(spec.maxSteps, Math.round(5_000_000 / 3))
    assertShared(spec)
  })

  test('36M steps are the four epochs of the paper', () => {
    const { maxSteps, batchSize } = specOf('jft-resnet101')
    assert.equal(((maxSteps * batchSize) / JFT_IMAGES).toFixed(2), '3.84')
  })

  function assertShared(spec: Job['spec']): void {
    assert.equal(spec.batchSize, 32)
    assert.equal(spec.weightDecay, 1e-4)
    assert.equal(spec.batchNorm.decay, 0.997)
    assert.deepEqual(spec.input, { resizePixels: 340, cropPixels: 299, flip: true, resizeFilter: 'lanczos3' })
    assert.equal(spec.workers.replicas, 50)
    assert.equal(spec.parameterServer.replicas, 17)
  }
})

suite('presets of poses', () => {
  const specOf = (preset: string) => {
    const data = { source: { claimName: 'coco' }, format: 'coco' }
    return parseJob(finetune({ preset, data, evaluation: { data } })).spec
  }

  test('coco-pose has the numbers of paper.md §2.7 and §4.8', () => {
    const spec = specOf('coco-pose')
    assert.deepEqual(spec.task, { type: 'coco-pose', outputStride: 8, auxiliaryLoss: true })
    assert.deepEqual(spec.model, { backbone: 'resnet101' })
    const { cropHeightPixels, cropWidthPixels, diskRadiusPixels } = spec.input
    assert.deepEqual([cropHeightPixels, cropWidthPixels, diskRadiusPixels], [353, 257, 25])
    const { type, ...rate } = spec.learningRate
    assert.deepEqual([type, rate], ['piecewise', { boundaries: [250_000], values: [5e-3, 5e-4] }])
    assert.deepEqual([spec.maxSteps, spec.batchSize, spec.weightDecay], [450_000, 24, 1e-4])
    assert.deepEqual([spec.workers.replicas, spec.parameterServer.replicas], [1, 1])
  })

  test('coco-pose-mini trains resnet-mini on crops of 64×48', () => {
    const { task, input, model, batchSize } = specOf('coco-pose-mini')
    assert.deepEqual(task, { type: 'coco-pose', outputStride: 4, auxiliaryLoss: false })
    assert.deepEqual([input.cropHeightPixels, input.cropWidthPixels, input.diskRadiusPixels], [64, 48, 6])
    assert.deepEqual([model, batchSize], [{ backbone: 'resnet-mini' }, 8])
  })
})
