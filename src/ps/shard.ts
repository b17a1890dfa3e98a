/**
 * The weights and optimizer state of one parameter server: flat float32 arrays in one WebAssembly memory, so that kernels
 * work on them in place. Synchronous. It knows no workers; src/ps/training.ts decides what is applied.
 */
import type { Compression, Optimizer as OptimizerSettings } from '../contract/training.ts'
import { Decoder, decoderBytes } from '../wire/decoder.ts'
import { pushBytes } from '../wire/encodings.ts'
import { type ShardLayout, viewsOf } from '../wire/layout.ts'
import type { Region, Regions } from '../wire/regions.ts'
import { clipByNorm } from './clip.ts'
import { drawInitial } from './initial.ts'
import type { ElementKernel } from './kernel.ts'
import { CHUNK, checksum, stateBytes } from './kernel-functions.ts'
import { Kernels } from './kernels.ts'
import { createOptimizer } from './optimizers/optimizers.ts'
import { divideMemory } from './shard-memory.ts'
import { type Update, UpdatePlan, type UpdateSettings } from './update-plan.ts'
import { WeightVersions } from './weight-versions.ts'

export interface ShardOptions extends UpdateSettings {
  optimizer: OptimizerSettings
  /** The largest L2 norm of the gradient of a variable; absent: no limit. */
  gradientClipNorm?: number | undefined
  /** Whether to allocate one more value for each value of a push, which some asynchrony policies need. */
  needsScratch: boolean
  /** Of the gradients in pushes; absent: none. */
  compression?: Compression | undefined
  /** Of the bodies of pushes and pulls that are received and sent at once; by default 512 MiB. */
  bodyLimitBytes?: number
  /** That apply a push; by default one. */
  threads?: number
}

/** A copy of the state for a checkpoint; the next snapshot reuses it. */
export interface ShardCopy {
  weights: Float32Array
  slots: ReadonlyMap<string, Float32Array>
}

const FLOAT_BYTES = 4
const DEFAULT_BODY_LIMIT_BYTES = 512 * 2 ** 20

export class Shard {
  readonly layout: ShardLayout
  readonly options: ShardOptions
  readonly versions: WeightVersions
  /** State of the optimizer by name, over the trainable prefix. */
  readonly slots: ReadonlyMap<string, Float32Array>
  /** Empty unless `needsScratch`. */
  readonly scratch: Float32Array
  /** Room for the weights and for the bodies of pushes. */
  readonly bodies: Regions
  /** Undefined: pushes are not compressed. */
  readonly #decoder: Decoder | undefined
  #incoming: Float32Array
  /** For a push that was received elsewhere. */
  #spare: Region | undefined
  readonly #plan: UpdatePlan
  readonly #kernels: Kernels
  /** Position of the states of the checksum of new weights, one for each chunk. */
  readonly #states: number

  /** @throws DownpourError LAYOUT_TOO_LARGE above 4 GiB, the limit of a WebAssembly memory */
  constructor(layout: ShardLayout, options: ShardOptions) {
    this.layout = layout
    this.options = options
    const { trainable, total } = layout
    const { compression = 'none', needsScratch } = options
    const optimizer = createOptimizer(options.optimizer)
    const slots = Object.entries(optimizer.slots)
    const decoding = compression === 'none' ? 0 : decoderBytes(layout) / FLOAT_BYTES
    const states = stateBytes(total) / FLOAT_BYTES
    const lengths = [states, needsScratch ? this.pushLength : 0, decoding, ...slots.map(() => trainable)]
    const { memory, arrays, bodies } = divideMemory(layout, lengths, options.bodyLimitBytes ?? DEFAULT_BODY_LIMIT_BYTES)
    const [chunks, scratch, decoded, ...slotArrays] = arrays as [
      Float32Array,
      Float32Array,
      Float32Array,
      ...Float32Array[],
    ]
    this.#states = chunks.byteOffset
    this.scratch = scratch
    this.slots = new Map(slots.map(([name, initial], i) => [name, (slotArrays[i] as Float32Array).fill(initial)]))
    this.bodies = bodies
    this.versions = new WeightVersions(bodies, FLOAT_BYTES * total)
    if (compression !== 'none') this.#decoder = new Decoder(memory, decoded.byteOffset, compression, layout)
    this.#incoming = scratch.subarray(0, 0)
    const positions = Object.fromEntries([...this.slots].map(([name, slot]) => [name, slot.byteOffset]))
    this.#plan = new UpdatePlan(layout, optimizer, positions, options)
    this.#kernels = new Kernels(memory, { threads: options.threads, maxCalls: this.#plan.maxCalls + 1 })
  }

  /** The present ones; an update may write the next ones elsewhere. */
  get weights(): Float32Array {
    return this.versions.present.floats
  }

  draw(jobSeed: number): void {
    const views = viewsOf(this.layout.entries, this.weights)
    for (const entry of this.layout.entries) drawInitial(entry, jobSeed, views.get(entry.name) as Float32Array)
  }

  /** Elements of a push. */
  get pushLength(): number {
    return this.layout.trainable + this.layout.statistic
  }

  /** Of the body of a push. */
  get pushBytes(): number {
    return pushBytes(this.layout, this.options.compression)
  }

  /** The push that is being applied: gradients, then batch statistics. */
  get incoming(): Float32Array {
    return this.#incoming
  }

  /**
   * Makes a body the push that is being applied: in place, if it was received into `bodies` and is not compressed.
   * @returns whether every value, and its square, is finite
   */
  accept(body: Uint8Array): boolean {
    const region = this.bodies.holding(body) ?? this.#copied(body)
    const values = this.#decoder?.decode(region) ?? region
    this.#incoming = values.floats
    return values.isFinite
  }

  #copied(body: Uint8Array): Region {
    this.#spare ??= this.bodies.acquire(body.length) ?? undefined
    if (!this.#spare) throw new RangeError('every region of the shard holds another body')
    this.#spare.open(body.length).bytes.set(body)
    this.#spare.finish()
    return this.#spare
  }

  get trainableWeights(): Float32Array {
    return this.weights.subarray(0, this.layout.trainable)
  }

  /** Changes the gradient in `incoming`. */
  runOnGradient<Scalars extends string>(
    kernel: ElementKernel<'w' | 'g' | 'scratch', Scalars>,
    scalars: Readonly<Record<Scalars, number>>,
  ): void {
    const arrays = { w: this.versions.present.position, g: this.incoming.byteOffset, scratch: this.scratch.byteOffset }
    this.#kernels.run(kernel, arrays, this.layout.trainable, scalars)
  }

  /** Changes `incoming` or `scratch`. */
  runOnPush<Scalars extends string>(
    kernel: ElementKernel<'g' | 'scratch', Scalars>,
    scalars: Readonly<Record<Scalars, number>>,
  ): void {
    const arrays = { g: this.incoming.byteOffset, scratch: this.scratch.byteOffset }
    this.#kernels.run(kernel, arrays, this.incoming.length, scalars)
  }

  /**
   * Applies `incoming`: the optimizer to the trainable weights, the moving average to the statistics. With gradients of
   * n `batches` summed and their statistics averaged, weights decay n times (g = Σ gᵢ + n · weightDecay · w) and
   * statistics move as far as in n averages (m ← dⁿ · m + (1 − dⁿ) · x̄). A sum of n gradients may have n times the norm
   * of one.
   */
  update(update: Update): void {
    this.#clip(update.batches)
    const { present, next } = this.versions
    next.open(present.bytes.length)
    const place = { weights: present.position, to: next.position, push: this.incoming.byteOffset }
    this.#kernels.runAll([...this.#plan.calls(place, update), checksum(next.position, this.layout.total, this.#states)])
    next.finishParts(this.#states, FLOAT_BYTES * CHUNK)
    this.versions.advance()
  }

  #clip(batches: number): void {
    const { gradientClipNorm } = this.options
    if (gradientClipNorm === undefined) return
    for (const { kind, offset, length } of this.layout.entries) {
      if (kind !== 'trainable') break
      clipByNorm(this.incoming.subarray(offset, offset + length), gradientClipNorm * batches)
    }
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
