/** A small job, and a shard that trains it, for the tests of src/ps. */
import type { RuntimeConfig } from '../../../src/contract/runtime.ts'
import { createShard } from '../../../src/ps/restore.ts'
import { Training, type TrainingOptions } from '../../../src/ps/training.ts'
import { WorkerTable } from '../../../src/ps/workers.ts'
import type { VariableSpec } from '../../../src/support/variables.ts'
import { makeLayout, placeLayout } from '../../../src/wire/layout.ts'
import type { Message } from '../../../src/wire/messages.ts'

export const INCARNATION = 77

export function variable(name: string, length: number, more: Partial<VariableSpec> = {}): VariableSpec {
  return { name, shape: [length], kind: 'trainable', decay: false, init: { type: 'zeros' }, ...more }
}

/** Plain gradient descent with learning rate 1, so that a weight is the negative sum of its gradients. */
export function makeConfig(more: Partial<RuntimeConfig> = {}): RuntimeConfig {
  return {
    formatVersion: 1,
    job: { kind: 'PretrainJob', namespace: 'default', name: 'tiny', uid: 'job-uid' },
    seed: 1,
    task: {
      type: 'multi-label',
      options: { classes: 2, headSlices: 1 },
      input: { resizePixels: 8, cropPixels: 8, flip: false },
    },
    model: { backbone: 'resnet-mini' },
    protocol: 'finetune',
    data: { path: '.', format: 'tfrecord', maxCorruptRecords: 0 },
    batchSize: 1,
    maxSteps: 1_000_000,
    optimizer: { type: 'momentum', momentum: 0 },
    learningRate: { type: 'constant', initial: 1 },
    weightDecay: 0,
    batchNorm: { decay: 0.5, epsilon: 1e-5 },
    async: { fetchEvery: 1, pushEvery: 1, policy: { type: 'async' }, warmStartSteps: 0 },
    topology: { parameterServers: 1, workers: 2, psHosts: ['127.0.0.1'] },
    runtime: { backend: 'cpu' },
    checkpoint: { path: 'tiny', keep: 3, keepBest: 0, keepSteps: [] },
    init: { type: 'random' },
    maxNonFinite: 3,
    metrics: { perWorker: true },
    ...more,
  }
}

/** Training with workers 0 and 1 admitted, over `variables` (default: one of 4 weights at zero). */
export function makeTraining(
  config: RuntimeConfig = makeConfig(),
  variables: readonly VariableSpec[] = [variable('w', 4)],
  more: Partial<TrainingOptions> = {},
): Training {
  const [layout] = placeLayout(makeLayout(variables), 1).shards
  if (!layout) throw new RangeError('a layout has one shard')
  const shard = createShard(layout, config)
  shard.draw(config.seed)
  const workers = new WorkerTable()
  for (const index of [0, 1]) workers.admit(worker(index), 0, () => true)
  return new Training({
    config,
    index: 0,
    incarnation: INCARNATION,
    version: 0,
    globalStep: 0,
    shard,
    workers,
    ...more,
  })
}

export function worker(index: number, podUid = `pod-${index}`) {
  return { index, podUid }
}

export function push(seq: number, more: Partial<Message<'push'>> = {}): Message<'push'> {
  return {
    type: 'push',
    seq,
    incarnation: INCARNATION,
    baseVersion: 0,
    loss: 1,
    examples: 1,
    batches: 1,
    globalStep: 0,
    ...more,
  }
}

export function body(...values: number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer)
}
