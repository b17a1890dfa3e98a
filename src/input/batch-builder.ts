import type { Lease } from '../contract/exchange.ts'
import type { Batch } from './batch.ts'
import { type BatchMemory, NEW_MEMORY } from './batch-memory.ts'
import type { Sample, Size } from './pipeline.ts'

interface OpenBatch<T> {
  size: Size
  images: Float32Array
  targets: T[]
  ids: string[]
  leases: Set<Lease>
}

export interface BuilderOptions {
  /** Of a batch of more than one sample; without a limit when absent. */
  readonly maxPixels?: number | undefined
  /** Absent: each batch has memory of its own. */
  readonly memory?: BatchMemory | undefined
}

/**
 * Collects samples into batches, a separate batch for each size.
 */
export class BatchBuilder<T> {
  readonly #batchSize: number
  readonly #maxPixels: number
  readonly #memory: BatchMemory
  readonly #open = new Map<string, OpenBatch<T>>()

  constructor(batchSize: number, { maxPixels = Number.POSITIVE_INFINITY, memory = NEW_MEMORY }: BuilderOptions) {
    this.#batchSize = batchSize
    this.#maxPixels = maxPixels
    this.#memory = memory
  }

  /** @returns the batch that this sample completes */
  add(sample: Sample<T>, id: string, lease?: Lease): Batch<T> | undefined {
    const { height, width } = sample.size
    const key = `${height}×${width}`
    const open = this.#open.get(key) ?? this.#start(key, sample.size)
    sample.draw(open.images, open.targets.length * valuesOf(sample.size))
    open.targets.push(sample.target)
    open.ids.push(id)
    if (lease) open.leases.add(lease)
    if (open.targets.length < this.#samplesOf(sample.size)) return undefined
    this.#open.delete(key)
    return toBatch(open)
  }

  /** Whether a sample of the lease is in a batch that is not full. */
  holds(lease: Lease): boolean {
    return [...this.#open.values()].some(({ leases }) => leases.has(lease))
  }

  /** The batches that are not full. */
  flush(): Batch<T>[] {
    const rest = [...this.#open.values()].map(toBatch)
    this.#open.clear()
    return rest
  }

  #samplesOf({ height, width }: Size): number {
    return Math.max(1, Math.min(this.#batchSize, Math.floor(this.#maxPixels / (height * width))))
  }

  #start(key: string, size: Size): OpenBatch<T> {
    const images = this.#memory.take(this.#samplesOf(size) * valuesOf(size))
    const open = { size, images, targets: [], ids: [], leases: new Set<Lease>() }
    this.#open.set(key, open)
    return open
  }
}

function toBatch<T>({ size, images, targets, ids }: OpenBatch<T>): Batch<T> {
  const length = targets.length * valuesOf(size)
  const own = length === images.length ? images : images.slice(0, length)
  return { images: own, shape: [targets.length, size.height, size.width], targets, ids }
}

function valuesOf({ height, width }: Size): number {
  return height * width * 3
}
