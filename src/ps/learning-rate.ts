import type { LearningRate } from '../contract/training.ts'
import { assertNever } from '../support/errors.ts'

/** Learning rate of the update from `step` to `step + 1`, in global steps (paper.md §4.3). */
export function learningRateAt(schedule: LearningRate, step: number, maxSteps: number): number {
  const { warmupSteps = 0 } = schedule
  // The first update has 1/warmupSteps of the rate: with 0 it would be lost.
  const share = Math.min(1, (step + 1) / Math.max(1, warmupSteps))
  return share * scheduledRate(schedule, step, maxSteps)
}

function scheduledRate(schedule: LearningRate, step: number, maxSteps: number): number {
  switch (schedule.type) {
    case 'constant':
      return schedule.initial
    case 'exponential': {
      const periods = step / schedule.everySteps
      return schedule.initial * schedule.factor ** (schedule.staircase ? Math.floor(periods) : periods)
    }
    case 'piecewise': {
      // As tf.train.piecewise_constant: a boundary belongs to the interval before it.
      const interval = schedule.boundaries.filter((boundary) => step > boundary).length
      return schedule.values[interval] ?? schedule.values.at(-1) ?? 0
    }
    case 'poly':
      return schedule.initial * (1 - Math.min(step, maxSteps) / maxSteps) ** schedule.power
    default:
      return assertNever(schedule)
  }
}
