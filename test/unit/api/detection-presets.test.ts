import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseJob } from '../../../src/api/parse.ts'
import { FULL, MINI } from '../../../src/models/faster-rcnn/options.ts'
import { parseFields } from '../../../src/tasks/declaration.ts'
import { networkOptions } from '../../../src/tasks/detection/network.ts'
import { DetectionOptions } from '../../../src/tasks/detection/options.ts'
import { finetune } from '../../support/job-cases.ts'

const specOf = (preset: string) =>
  parseJob(finetune({ preset, data: detectionData, evaluation: { data: detectionData } })).spec
const detectionData = { source: { claimName: 'data' }, format: 'coco' }

function networkOf(preset: string) {
  const { type: _, ...options } = specOf(preset).task
  return networkOptions(parseFields(DetectionOptions, options))
}

test('the large presets have the numbers of the paper and the network of paper.md §4.6', () => {
  for (const [preset, classes, rate, lowered, boundary, maxSteps] of [
    ['coco-detection', 80, 4e-4, 4e-5, 2_500_000, 3_000_000],
    ['voc07-detection', 20, 3e-4, 3e-5, 500_000, 700_000],
  ] as const) {
    const spec = specOf(preset)
    assert.deepEqual(networkOf(preset), { ...FULL, classes })
    const { model, input, learningRate, batchSize, weightDecay, batchNorm, gradientClipNorm } = spec
    assert.deepEqual(model, { backbone: 'resnet101' })
    assert.deepEqual(input, {
      shortSidePixels: 600,
      longSidePixels: 1024,
      padToPixels: 128,
      flip: true,
      resizeFilter: 'lanczos3',
    })
    assert.deepEqual(learningRate, { type: 'piecewise', boundaries: [boundary], values: [rate, lowered] })
    assert.deepEqual([batchSize, weightDecay, gradientClipNorm, batchNorm.mode], [1, 0, 10, 'frozen'])
    assert.deepEqual([spec.maxSteps, spec.workers.replicas, spec.parameterServer.replicas], [maxSteps, 9, 11])
  }
})

test('the small presets have the small network', () => {
  for (const preset of ['coco-detection-mini', 'voc-detection-mini'])
    assert.deepEqual(networkOf(preset), { ...MINI, classes: 10 })
})
