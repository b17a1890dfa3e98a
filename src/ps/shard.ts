/**
 * The weights and optimizer state of one parameter server: flat float32 arrays in one WebAssembly memory, so that kernels
 * work on them in place. Synchronous. It knows no workers; src/ps/training.ts decides what is applied.
 */
import type { Optimizer as OptimizerSettings } from '../contract/training.ts'
import { DownpourError } from '../support/errors.ts'
import { type ShardLayout, viewsOf } from '../wire/layout.ts'
import { clipByNorm } from './clip.ts'
import { drawInitial } from './initial.ts'
import type { ElementKernel } from './kernel.ts'
import { Kernels } from './kernels.ts'
import { MOVING_AVERAGE } from './moving-average.ts'
import type { UpdateFacts } from './optimizers/optimizer.ts'
import { createOptimizer, type Optimizer } from './optimizers/optimizers.ts'

export interface ShardOptions {
  optimizer: OptimizerSettings
  /** Coupled L2, on variables with `decay`: g += weightDecay · w. */
  weightDecay: number
  /** Batch-norm moving averages: m ← d·m + (1−d)·x. */
  statisticDecay: number
  /** Keeps the statistics of the first push, which are not those of a batch (batch norm in mode calibrated). */
  keepsFirstStatistics?: boolean
  /** The largest L2 norm of the gradient of a variable; absent: no limit. */
  gradientClipNorm?: number | undefined
  /** Whether to allocate one more value for each trainable weight, which some asynchrony policies need. */
  needsScratch: boolean
}

/** A copy of the state for a checkpoint; the next snapshot reuses it. */
export interface ShardCopy {
  weights: Float32Array
  slots: ReadonlyMap<string, Float32Array>
}

const PAGE_BYTES = 65536
const MAX_PAGES = 65536

export class Shard {
  readonly layout: ShardLayout
  readonly options: ShardOptions
  readonly weights: Float32Array
  /** State of the optimizer by name, over the trainable prefix. */
  readonly slots: ReadonlyMap<string, Float32Array>
  /** The body of a push: gradients, then batch statistics. */
  readonly incoming: Float32Array
  /** Empty unless `needsScratch`. */
  readonly scratch: Float32Array
  readonly #optimizer: Optimizer
  readonly #kernels: Kernels
  readonly #updateRuns: readonly UpdateRun[]

  /** @throws DownpourError LAYOUT_TOO_LARGE above 4 GiB, the limit of a WebAssembly memory */
  constructor(layout: ShardLayout, options: ShardOptions) {
    this.layout = layout
    this.options = options
    const { trainable, statistic, total } = layout
    this.#optimizer = createOptimizer(options.optimizer)
    const slots = Object.entries(this.#optimizer.slots)
    const scratch = options.needsScratch ? trainable : 0
    const elements = total + slots.length * trainable + trainable + statistic + scratch
    const memory = allocate(elements, layout)
    let at = 0
    const take = (length: number) => {
      const view = new Float32Array(memory.buffer, at, length)
      at += view.byteLength
      return view
    }
    this.weights = take(total)
    this.slots = new Map(slots.map(([name, initial]) => [name, take(trainable).fill(initial)]))
    this.incoming = take(trainable + statistic)
    this.scratch = take(scratch)
    this.#kernels = new Kernels(memory)
    this.#updateRuns = updateRunsOf(layout)
  }

  draw(jobSeed: number): void {
    const views = viewsOf(this.layout.entries, this.weights)
    for (const entry of this.layout.entries) drawInitial(entry, jobSeed, views.get(entry.name) as Float32Array)
  }

  /** Every value of `incoming`, and its square, is finite. */
  incomingIsFinite(): boolean {
    return this.#kernels.areFinite(this.incoming.byteOffset, this.incoming.length)
  }

  get trainableWeights(): Float32Array {
    return this.weights.subarray(0, this.layout.trainable)
  }

  /** Changes the gradient in `incoming`. */
  runOnGradient<Scalars extends string>(
    kernel: ElementKernel<'w' | 'g' | 'scratch', Scalars>,
    scalars: Readonly<Record<Scalars, number>>,
  ): void {
    const arrays = { w: this.weights.byteOffset, g: this.incoming.byteOffset, scratch: this.scratch.byteOffset }
    this.#kernels.run(kernel, arrays, this.layout.trainable, scalars)
  }

  /**
   * Applies `incoming`: the optimizer to the trainable weights, the moving average to the statistics. With gradients of
   * n `batches` summed and their statistics averaged, weights decay n times (g = Σ gᵢ + n · weightDecay · w) and
   * statistics move as far as in n averages (m ← dⁿ · m + (1 − dⁿ) · x̄). A sum of n gradients may have n times the norm
   * of one.
   */
  update({ batches, ...facts }: Omit<UpdateFacts, 'weightDecay'> & { batches: number }): void {
    this.#clip(batches)
    const weightDecay = batches * this.options.weightDecay
    for (const { start, length, decay, rate } of this.#updateRuns) {
      const byte = 4 * start
      const run = {
        weights: this.weights.byteOffset + byte,
        gradient: this.incoming.byteOffset + byte,
        slots: Object.fromEntries([...this.slots].map(([name, slot]) => [name, slot.byteOffset + byte])),
        length,
      }
      const learningRate = facts.learningRate * rate
      this.#optimizer.update(this.#kernels, run, { ...facts, learningRate, weightDecay: decay ? weightDecay : 0 })
    }
    this.#updateStatistics(facts.step === 0, batches)
  }

  #clip(batches: number): void {
    const { gradientClipNorm } = this.options
    if (gradientClipNorm === undefined) return
    for (const { kind, offset, length } of this.layout.entries) {
      if (kind !== 'trainable') break
      clipByNorm(this.incoming.subarray(offset, offset + length), gradientClipNorm * batches)
    }
  }

  #updateStatistics(isFirst: boolean, batches: number): void {
    const { statisticDecay, keepsFirstStatistics } = this.options
    if (keepsFirstStatistics && !isFirst) return
    const decay = keepsFirstStatistics ? 0 : statisticDecay ** batches
    const byte = 4 * this.layout.trainable
    const arrays = { mean: this.weights.byteOffset + byte, batch: this.incoming.byteOffset + byte }
    this.#kernels.run(MOVING_AVERAGE, arrays, this.layout.statistic, { decay })
  }

  /** @param into an earlier copy to reuse, which saves page faults */
  copy(into?: ShardCopy): ShardCopy {
    const copy = into ?? {
      weights: new Float32Array(this.weights.length),
      slots: new Map([...this.slots].map(([name, { length }]) => [name, new Float32Array(length)])),
    }
    copy.weights.set(this.weights)
    for (const [name, slot] of this.slots) copy.slots.get(name)?.set(slot)
    return copy
  }
}

function allocate(elements: number, layout: ShardLayout): WebAssembly.Memory {
  const pages = Math.max(1, Math.ceil((4 * elements) / PAGE_BYTES))
  if (pages > MAX_PAGES)
    throw new DownpourError(
      'LAYOUT_TOO_LARGE',
      `shard ${layout.index} needs ${Math.ceil(pages / 16384)} GiB with its optimizer state; the limit is 4: use more parameter servers`,
      { shard: layout.index, elements },
    )
  return new WebAssembly.Memory({ initial: pages, maximum: pages })
}

interface UpdateRun {
  start: number
  length: number
  decay: boolean
  /** What multiplies the learning rate. */
  rate: number
}

/** Neighbours with equal decay and rate are updated in one call. */
function updateRunsOf(layout: ShardLayout): UpdateRun[] {
  const runs: UpdateRun[] = []
  for (const { kind, decay, learningRateMultiplier: rate = 1, offset, length } of layout.entries) {
    if (kind !== 'trainable') break
    const last = runs.at(-1)
    if (last && last.decay === decay && last.rate === rate) last.length += length
    else runs.push({ start: offset, length, decay, rate })
  }
  return runs
}
