/** Trains each task for twenty steps on real parameter servers, from data and input to checkpoint and scores. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { findLatest, type ListedCheckpoint } from '../../src/checkpoint/list.ts'
import type { RuntimeConfig } from '../../src/contract/runtime.ts'
import type { ClassLabels } from '../../src/data/dataset.ts'
import { makeJftMini } from '../../src/data/generate/jft-mini.ts'
import { evaluateCheckpoint } from '../../src/evaluator/evaluate.ts'
import { openEvaluationSet } from '../../src/evaluator/evaluation-set.ts'
import { openLoader } from '../../src/input/loader.ts'
import { createWorkerMetrics } from '../../src/metrics/worker.ts'
import { silentLog } from '../../src/support/log.ts'
import { createTask } from '../../src/tasks/registry.ts'
import type { Task } from '../../src/tasks/task.ts'
import { selectBackend } from '../../src/tensor/backend.ts'
import { makeLayout } from '../../src/wire/layout.ts'
import { trainingLoop } from '../../src/worker/loop.ts'
import { Reporter } from '../../src/worker/report.ts'
import { createStepper, type Stepper } from '../../src/worker/step.ts'
import { singleSteps } from '../../src/worker/step-source.ts'
import { type Fleet, startFleet } from '../integration/runtime/harness.ts'
import { eventually } from '../support/eventually.ts'
import { makeConfig } from '../unit/ps/fixtures.ts'
import { assertGolden } from './golden.ts'
import { GOLDEN_WORLD } from './world.ts'

const STEPS = 20
/** Metrics that golden.json holds; a task may declare others. */
const RECORDED = ['mAP@100', 'top1', 'top5', 'loss']
let dataDir: string

before(async () => {
  await selectBackend('wasm', silentLog)
  dataDir = join(await mkdtemp(join(tmpdir(), 'downpour-golden-')), 'data')
  const sizes = { images: 96, evaluationImages: 24, downstreamTrainPerClass: 4, downstreamValPerClass: 1 }
  await mkdir(dataDir)
  await makeJftMini({ folder: dataDir, seed: 5, onPicture() {} }, sizes, GOLDEN_WORLD)
})
after(() => rm(join(dataDir, '..'), { recursive: true }))

const INPUT = { resizePixels: 36, cropPixels: 32, flip: true }
const common = {
  seed: 3,
  batchSize: 8,
  maxSteps: STEPS,
  weightDecay: 1e-4,
  batchNorm: { decay: 0.9, epsilon: 1e-3 },
}

const CONFIGS: Readonly<Record<string, RuntimeConfig>> = {
  'pre-training': makeConfig({
    ...common,
    task: { type: 'multi-label', options: { classes: GOLDEN_WORLD.labels.size, headSlices: 3 }, input: INPUT },
    data: { path: 'pretrain', format: 'tfrecord', labels: 'labels.json', maxCorruptRecords: 0 },
    optimizer: { type: 'rmsprop', decay: 0.9, momentum: 0.9, epsilon: 1 },
    learningRate: { type: 'exponential', initial: 1e-2, factor: 0.9, everySteps: 5, staircase: true },
    evaluation: {
      data: { path: 'evaluation', format: 'tfrecord', labels: 'labels.json', maxCorruptRecords: 0 },
      metric: { name: 'mAP@100', better: 'higher' },
      batchSize: 7,
    },
  }),
  classification: makeConfig({
    ...common,
    task: { type: 'imagenet-classification', options: { classes: 20, headSlices: 1 }, input: INPUT },
    data: { path: 'downstream/train', format: 'imagenet-folder', maxCorruptRecords: 0 },
    optimizer: { type: 'momentum', momentum: 0.9 },
    learningRate: { type: 'piecewise', boundaries: [10], values: [0.05, 0.005] },
    evaluation: {
      data: { path: 'downstream/val', format: 'imagenet-folder', maxCorruptRecords: 0 },
      metric: { name: 'top1', better: 'higher' },
      batchSize: 7,
    },
  }),
}

for (const [name, config] of Object.entries(CONFIGS))
  test(`${name} has the recorded losses of ${STEPS} steps, checkpoint and scores`, async () => {
    const { losses, checkpoint, scores } = await trainAndScore(config)
    const { step, final, layout, shards } = checkpoint.manifest
    assert.deepEqual([step, final, losses.length], [STEPS, true, STEPS])
    const digests = Object.fromEntries(shards.map(({ file, sha256 }) => [file, sha256]))
    const layoutDigest = createHash('sha256').update(JSON.stringify(layout)).digest('hex')
    assertGolden(`${name}, ${STEPS} steps`, { losses, ...scores, layout: layoutDigest, ...digests }, { exact: true })
  })

interface Trained {
  losses: number[]
  checkpoint: ListedCheckpoint
  scores: Record<string, number[]>
}

async function trainAndScore(config: RuntimeConfig): Promise<Trained> {
  const task = await createTask(config)
  const fleet = await startFleet(config, { shards: 2 })
  const { signal } = new AbortController()
  try {
    const losses = await train(fleet, config, task, createRecorder(createStepper(task)))
    const checkpoint = await eventually(async () => {
      const { latest } = await findLatest(join(fleet.folder, config.checkpoint.path))
      assert.ok(latest)
      return latest
    })
    const set = await openEvaluationSet(dataDir, config, silentLog)
    const { metrics } = await evaluateCheckpoint({ ...checkpoint, config, set, task, signal })
    const recorded = Object.entries(metrics).filter(([metric]) => RECORDED.includes(metric))
    const scores = Object.fromEntries(recorded.map(([metric, value]) => [metric, [value]]))
    return { losses, checkpoint, scores }
  } finally {
    await fleet.close()
  }
}

function createRecorder(stepper: Stepper): Stepper & { losses: number[] } {
  const losses: number[] = []
  return {
    ...stepper,
    losses,
    async step(batch) {
      const output = await stepper.step(batch)
      losses.push(output.loss)
      return output
    },
  }
}

/** Trains one worker with the real loader until the job is done. @returns the loss of each step */
async function train(
  fleet: Fleet,
  config: RuntimeConfig,
  { variables }: Task,
  stepper: ReturnType<typeof createRecorder>,
): Promise<number[]> {
  const { seed, batchSize, task, data } = config
  const { signal } = new AbortController()
  const thread = new URL('../../src/worker/loader-thread.ts', import.meta.url)
  const how = { task, batchSize, seed, unitsToCheck: Number.POSITIVE_INFINITY }
  const open = await openLoader<ClassLabels>({ thread, folder: dataDir, data, ...how, signal })
  const { units, labels } = open.facts
  const client = await fleet.connect(0, makeLayout(variables), { dataUnits: units, classes: labels })
  const loader = open.start(client.leases, { classes: client.classes })
  const report = new Reporter(0, createWorkerMetrics({ tensors: () => 0 }), silentLog)
  try {
    const source = singleSteps({ loader, stepper })
    await trainingLoop({ config, client, source, report, signal, log: silentLog })
  } finally {
    await open.close()
    await client.close()
    stepper.dispose()
  }
  return stepper.losses
}
