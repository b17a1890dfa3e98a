/**
 * The numbers of one parameter server: flat float32 arrays in one WebAssembly memory, so that the kernels work on them
 * where they are. Synchronous and without any notion of workers; src/ps/training.ts decides what is applied.
 */
import type { Optimizer } from '../contract/training.ts'
import { DownpourError } from '../support/errors.ts'
import { type ShardLayout, viewsOf } from '../wire/layout.ts'
import { drawInitial } from './initial.ts'
import { type Kernels, loadKernels } from './kernels.ts'
import { slotsOf, updateRun } from './optimizer.ts'

export interface ShardOptions {
  optimizer: Optimizer
  /** Coupled L2, on variables with `decay`: g += weightDecay · w. */
  weightDecay: number
  /** Batch-norm moving averages: m ← d·m + (1−d)·x. */
  statisticDecay: number
  /** Room for one worker's old weights (dcAsgd). */
  delayCompensation: boolean
}

/** A copy of everything that a checkpoint needs; used again at the next snapshot. */
export interface ShardCopy {
  weights: Float32Array
  slots: Float32Array[]
}

const PAGE_BYTES = 65536
const MAX_PAGES = 65536

export class Shard {
  readonly layout: ShardLayout
  readonly options: ShardOptions
  readonly weights: Float32Array
  /** By `slotsOf(optimizer)`; over the trainable prefix. */
  readonly slots: readonly Float32Array[]
  /** Gradients, then batch statistics: what a push brings. */
  readonly incoming: Float32Array
  readonly #old: Float32Array
  readonly #kernels: Kernels
  readonly #decayRuns: readonly { start: number; length: number; decay: boolean }[]

  /** @throws DownpourError LAYOUT_TOO_LARGE above the 4 GiB that one memory can have. */
  constructor(layout: ShardLayout, options: ShardOptions) {
    this.layout = layout
    this.options = options
    const { trainable, statistic, total } = layout
    const slots = slotsOf(options.optimizer)
    const old = options.delayCompensation ? trainable : 0
    const elements = total + slots.length * trainable + trainable + statistic + old
    const memory = allocate(elements, layout)
    let at = 0
    const take = (length: number) => {
      const view = new Float32Array(memory.buffer, at, length)
      at += view.byteLength
      return view
    }
    this.weights = take(total)
    this.slots = slots.map(({ initial }) => take(trainable).fill(initial))
    this.incoming = take(trainable + statistic)
    this.#old = take(old)
    this.#kernels = loadKernels(memory)
    this.#decayRuns = decayRunsOf(layout)
  }

  draw(jobSeed: number): void {
    const views = viewsOf(this.layout.entries, this.weights)
    for (const entry of this.layout.entries) drawInitial(entry, jobSeed, views.get(entry.name) as Float32Array)
  }

  /** Every value of `incoming`, and its square, is finite. */
  incomingIsFinite(): boolean {
    return this.#kernels.finite(this.incoming.byteOffset, this.incoming.length) === 1
  }

  /** incoming += λ · incoming² · (weights − old): DC-ASGD, `old` being the trainable weights the worker computed with. */
  compensate(old: Float32Array, lambda: number): void {
    this.#old.set(old)
    const { incoming, weights } = this
    const n = this.layout.trainable
    this.#kernels.compensate(incoming.byteOffset, weights.byteOffset, this.#old.byteOffset, n, lambda)
  }

  /** Applies `incoming`: the optimizer to the trainable weights, the moving average to the statistics. */
  update(learningRate: number): void {
    const { optimizer, weightDecay, statisticDecay } = this.options
    for (const { start, length, decay } of this.#decayRuns) {
      const byte = 4 * start
      const run = {
        weights: this.weights.byteOffset + byte,
        gradient: this.incoming.byteOffset + byte,
        slots: this.slots.map((slot) => slot.byteOffset + byte),
        length,
      }
      updateRun(this.#kernels, optimizer, run, learningRate, decay ? weightDecay : 0)
    }
    const byte = 4 * this.layout.trainable
    const [mean, batch] = [this.weights.byteOffset + byte, this.incoming.byteOffset + byte]
    this.#kernels.average(mean, batch, this.layout.statistic, statisticDecay)
  }

  /** @param into an earlier copy, to save its page faults. */
  copy(into?: ShardCopy): ShardCopy {
    const copy = into ?? {
      weights: new Float32Array(this.weights.length),
      slots: this.slots.map(({ length }) => new Float32Array(length)),
    }
    copy.weights.set(this.weights)
    for (const [i, slot] of this.slots.entries()) copy.slots[i]?.set(slot)
    return copy
  }
}

function allocate(elements: number, layout: ShardLayout): WebAssembly.Memory {
  const pages = Math.max(1, Math.ceil((4 * elements) / PAGE_BYTES))
  if (pages > MAX_PAGES)
    throw new DownpourError(
      'LAYOUT_TOO_LARGE',
      `shard ${layout.index} needs ${Math.ceil(pages / 16384)} GiB with its optimizer state; one holds 4: use more parameter servers`,
      { shard: layout.index, elements },
    )
  return new WebAssembly.Memory({ initial: pages, maximum: pages })
}

/** Neighbours with equal decay are updated in one call. */
function decayRunsOf(layout: ShardLayout): { start: number; length: number; decay: boolean }[] {
  const runs: { start: number; length: number; decay: boolean }[] = []
  for (const { kind, decay, offset, length } of layout.entries) {
    if (kind !== 'trainable') break
    const last = runs.at(-1)
    if (last && last.decay === decay) last.length += length
    else runs.push({ start: offset, length, decay })
  }
  return runs
}
