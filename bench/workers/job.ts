/** The job of every point: a model of equal variables, so that it is divided evenly among the parameter servers. */
import type { RuntimeConfig } from '../../src/contract/runtime.ts'
import { makeLayout } from '../../src/wire/layout.ts'

const VARIABLES = 8
const VALUES_OF_A_VARIABLE = 128 << 10

export const LAYOUT = makeLayout(
  Array.from({ length: VARIABLES }, (_, i) => ({
    name: `part_${i}`,
    shape: [VALUES_OF_A_VARIABLE],
    kind: 'trainable' as const,
    decay: false,
    init: { type: 'normal' as const, stddev: 0.1 },
  })),
)

/** What a worker computes in this time is left out: it waits. */
export const COMPUTE = { mean: 1.5, variation: 0.1 } as const

/** @param psHosts one for each parameter server; only number 0 connects to the others */
export function jobConfig(psHosts: readonly string[]): RuntimeConfig {
  return {
    formatVersion: 1,
    job: { kind: 'PretrainJob', namespace: 'bench', name: 'workers', uid: 'bench-workers' },
    seed: 0,
    task: { type: 'multi-label', options: { classes: 2, headSlices: 1 }, input: {} },
    model: { backbone: 'resnet-mini' },
    protocol: 'finetune',
    data: { path: '.', format: 'tfrecord', maxCorruptRecords: 0 },
    batchSize: 1,
    maxSteps: 999_999_999,
    optimizer: { type: 'rmsprop', decay: 0.9, momentum: 0.9, epsilon: 1 },
    learningRate: { type: 'constant', initial: 1e-6 },
    weightDecay: 0,
    batchNorm: { decay: 0.9, epsilon: 1e-3 },
    async: { fetchEvery: 1, pushEvery: 1, policy: { type: 'async' }, warmStartSteps: 0 },
    topology: { parameterServers: psHosts.length, workers: 50, psHosts: [...psHosts] },
    runtime: { backend: 'cpu' },
    checkpoint: { path: 'workers', keep: 2, keepBest: 0, keepSteps: [] },
    init: { type: 'random' },
    maxNonFinite: 3,
    metrics: { perWorker: true },
  }
}
