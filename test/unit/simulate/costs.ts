/** Round costs, so that a test can multiply them in its head. */
import type { TrainedJob } from '../../../src/simulate/job-scenario.ts'
import type { Costs } from '../../../src/simulate/machine.ts'
import type { VariableSpec } from '../../../src/support/variables.ts'
import { makeLayout } from '../../../src/wire/layout.ts'

export const COSTS: Costs = {
  input: { secondsPerImage: 0.01, secondsPerMegapixel: 0.1 },
  network: { bytesPerSecond: 1e9, latencySeconds: 1e-4 },
  server: {
    secondsPerRequest: 1e-3,
    receiveSecondsPerGigabyte: 1,
    sendSecondsPerGigabyte: 2,
    applySecondsPerGigabyte: { rmsprop: 4, momentum: 2, adam: 3 },
    copySecondsPerGigabyte: 0.5,
    processBytes: 1e8,
  },
  worker: { sendSecondsPerGigabyte: 0.25, receiveSecondsPerGigabyte: 0.125, processBytes: 2e8 },
  disk: { bytesPerSecond: 2e8, hashSecondsPerGigabyte: 1 },
}

export const JOB: TrainedJob = {
  async: { fetchEvery: 1, pushEvery: 1, policy: { type: 'async' }, warmStartSteps: 0 },
  optimizer: { type: 'momentum', momentum: 0.9 },
  batchSize: 10,
  seed: 1,
}

const variable = (name: string, kind: VariableSpec['kind'], values: number): VariableSpec => ({
  name,
  shape: [values],
  kind,
  decay: false,
  init: { type: 'zeros' },
})

/** In each million of values: trainable 2, statistics 1, frozen 1. */
export const LAYOUT = makeLayout([
  variable('a', 'trainable', 1e6),
  variable('b', 'trainable', 1e6),
  variable('c', 'statistic', 1e6),
  variable('d', 'frozen', 1e6),
])
