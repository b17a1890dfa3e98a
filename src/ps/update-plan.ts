/** The kernels of one update of a shard: pure. Arrays are positions in bytes, and `to` may be `weights`. */
import type { ShardLayout } from '../wire/layout.ts'
import { type KernelCall, kernelCall } from './kernel.ts'
import { move } from './kernel-functions.ts'
import { MOVING_AVERAGE } from './moving-average.ts'
import type { UpdateFacts } from './optimizers/optimizer.ts'
import type { Optimizer } from './optimizers/optimizers.ts'

const FLOAT_BYTES = 4
/** Besides those of the optimizer: the moving average, and what is moved. */
const OTHER_CALLS = 2

export interface UpdateSettings {
  /** Coupled L2, on variables with `decay`: g += weightDecay · w. */
  weightDecay: number
  /** Batch-norm moving averages: m ← d·m + (1−d)·x. */
  statisticDecay: number
  /** Keeps the statistics of the first push, which are not those of a batch (batch norm in mode calibrated). */
  keepsFirstStatistics?: boolean
}

/** Where an update finds its arrays, besides the slots. */
export interface UpdatePlace {
  weights: number
  /** Where the new weights are written. */
  to: number
  /** Gradients, then batch statistics. */
  push: number
}

/** By name. */
type Slots = Readonly<Record<string, number>>

/** Of a push with gradients of `batches` summed, and their statistics averaged. */
export type Update = Omit<UpdateFacts, 'weightDecay'> & { batches: number }

/** Neighbours with equal decay and rate, which are updated in one call. */
interface Run {
  start: number
  length: number
  decay: boolean
  /** What multiplies the learning rate. */
  rate: number
  slots: Slots
}

export class UpdatePlan {
  readonly #layout: ShardLayout
  readonly #optimizer: Optimizer
  readonly #settings: UpdateSettings
  readonly #runs: readonly Run[]

  constructor(layout: ShardLayout, optimizer: Optimizer, slots: Slots, settings: UpdateSettings) {
    this.#layout = layout
    this.#optimizer = optimizer
    this.#settings = settings
    this.#runs = runsOf(layout).map((run) => ({ ...run, slots: movedBy(FLOAT_BYTES * run.start, slots) }))
  }

  /** The most that `calls` returns. */
  get maxCalls(): number {
    return this.#runs.length + OTHER_CALLS
  }

  /** They write every element of `to`. */
  calls(place: UpdatePlace, update: Update): KernelCall[] {
    const { trainable, statistic, total } = this.#layout
    const changesStatistics = !this.#settings.keepsFirstStatistics || update.step === 0
    const optimized = this.#runs.map((run) => this.#optimize(run, place, update))
    const averaged = changesStatistics ? [this.#average(place, update)] : []
    const kept = trainable + (changesStatistics ? statistic : 0)
    const moved = place.to === place.weights ? [] : [moveFrom(kept, place, total)]
    return [...optimized, ...averaged, ...moved]
  }

  #optimize({ start, length, decay, rate, slots }: Run, place: UpdatePlace, { batches, ...facts }: Update): KernelCall {
    const byte = FLOAT_BYTES * start
    const run = {
      start,
      length,
      weights: place.weights + byte,
      to: place.to + byte,
      gradient: place.push + byte,
      slots,
    }
    const weightDecay = decay ? batches * this.#settings.weightDecay : 0
    return this.#optimizer.update(run, { ...facts, learningRate: facts.learningRate * rate, weightDecay })
  }

  #average({ weights, to, push }: UpdatePlace, { batches }: Update): KernelCall {
    const { statisticDecay, keepsFirstStatistics } = this.#settings
    const { trainable: start, statistic: length } = this.#layout
    const byte = FLOAT_BYTES * start
    const arrays = { mean: weights + byte, batch: push + byte, to: to + byte }
    const decay = keepsFirstStatistics ? 0 : statisticDecay ** batches
    return kernelCall(MOVING_AVERAGE, arrays, { start, length }, { decay })
  }
}

/** What the update does not change. */
function moveFrom(start: number, { weights, to }: UpdatePlace, total: number): KernelCall {
  const byte = FLOAT_BYTES * start
  return move(weights + byte, to + byte, { start, length: total - start })
}

function movedBy(bytes: number, slots: Slots): Slots {
  return Object.fromEntries(Object.entries(slots).map(([name, position]) => [name, position + bytes]))
}

function runsOf(layout: ShardLayout): Omit<Run, 'slots'>[] {
  const runs: Omit<Run, 'slots'>[] = []
  for (const { kind, decay, learningRateMultiplier: rate = 1, offset, length } of layout.entries) {
    if (kind !== 'trainable') break
    const last = runs.at(-1)
    if (last && last.decay === decay && last.rate === rate) last.length += length
    else runs.push({ start: offset, length, decay, rate })
  }
  return runs
}
