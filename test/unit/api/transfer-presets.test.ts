/** The presets of the paper's transfer tasks, beside its numbers. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { parseJob } from '../../../src/api/parse.ts'
import { finetune } from '../../support/job-cases.ts'

const coco = { source: { claimName: 'coco' }, format: 'coco' }
const voc = { source: { claimName: 'voc' }, format: 'voc' }

/** One column of paper.md §2.7, with the rate at the first step and at the last one. */
interface Column {
  preset: string
  data: typeof coco
  task: Record<string, unknown>
  input: Record<string, unknown>
  rate: readonly [first: number, last: number]
  dropsAt?: number
  steps: number
  batch: number
  weightDecay: number
  workers: number
  servers: number
}

const detection = {
  input: { shortSidePixels: 600, longSidePixels: 1024, flip: true },
  batch: 1,
  weightDecay: 0,
  workers: 9,
  servers: 11,
}
const proposals = {
  anchorBase: 256,
  anchorScales: [0.25, 0.5, 1, 2],
  anchorRatios: [0.5, 1, 2],
  proposerChannels: 512,
  proposerSamples: 256,
  proposals: 300,
  cropSize: 14,
  boxSamples: 64,
}

const COLUMNS: readonly Column[] = [
  {
    ...detection,
    preset: 'coco-detection',
    data: coco,
    task: { type: 'coco-detection', classes: 80, ...proposals },
    rate: [4e-4, 4e-5],
    dropsAt: 2_500_000,
    steps: 3_000_000,
  },
  {
    ...detection,
    preset: 'voc07-detection',
    data: voc,
    task: { type: 'voc-detection', classes: 20, ...proposals },
    rate: [3e-4, 3e-5],
    dropsAt: 500_000,
    steps: 700_000,
  },
  {
    preset: 'voc12-segmentation',
    data: voc,
    task: {
      type: 'voc-segmentation',
      classes: 21,
      outputStride: 8,
      rates: [6, 12, 18, 24],
      weightsMultiplier: 10,
      biasMultiplier: 20,
    },
    input: { cropPixels: 321, flip: true },
    rate: [2.5e-4, 0],
    steps: 20_000,
    batch: 10,
    weightDecay: 5e-4,
    workers: 1,
    servers: 1,
  },
  {
    preset: 'coco-pose',
    data: coco,
    task: { type: 'coco-pose', outputStride: 8 },
    input: { cropHeightPixels: 353, cropWidthPixels: 257, diskRadiusPixels: 25, minCropScale: 1, maxCropScale: 1.5 },
    rate: [5e-3, 5e-4],
    dropsAt: 250_000,
    steps: 450_000,
    batch: 24,
    weightDecay: 1e-4,
    workers: 1,
    servers: 1,
  },
]

suite('the preset has the numbers of the paper (paper.md §2.7, §4.6-4.8):', () => {
  for (const column of COLUMNS)
    test(column.preset, () => {
      const { preset, data } = column
      const { spec } = parseJob(
        finetune({ preset, data, evaluation: { data: { ...data, source: { claimName: 'val' } } } }),
      )
      assert.deepEqual(spec.model, { backbone: 'resnet101' })
      assert.deepEqual(spec.optimizer, { type: 'momentum', momentum: 0.9 })
      assert.deepEqual(spec.batchNorm, { decay: 0.997, epsilon: 1e-5, mode: 'frozen' })
      assert.partialDeepStrictEqual(spec.task, column.task)
      assert.partialDeepStrictEqual(spec.input, column.input)
      assert.deepEqual(
        [spec.maxSteps, spec.batchSize, spec.weightDecay],
        [column.steps, column.batch, column.weightDecay],
      )
      assert.deepEqual([spec.workers.replicas, spec.parameterServer.replicas], [column.workers, column.servers])
      assertRate(spec.learningRate, column)
    })
})

function assertRate(
  rate: ReturnType<typeof parseJob>['spec']['learningRate'],
  { rate: wanted, dropsAt }: Column,
): void {
  if (dropsAt === undefined) {
    assert.deepEqual(rate, { type: 'poly', initial: wanted[0], power: 0.9 })
    return
  }
  assert.ok(rate.type === 'piecewise')
  assert.equal(rate.boundaries[0], dropsAt)
  assert.deepEqual([rate.values[0], rate.values.at(-1)], wanted)
}
