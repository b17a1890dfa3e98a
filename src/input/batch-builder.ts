import type { Lease } from '../contract/exchange.ts'
import type { Batch } from './batch.ts'
import type { Sample, Size } from './pipeline.ts'

interface Partial<T> {
  size: Size
  images: Float32Array
  targets: T[]
  ids: string[]
  leases: Set<Lease>
}

/**
 * Collects samples into batches, a separate batch for each size. A batch owns all of its memory, so that it can be
 * transferred to another thread.
 */
export class BatchBuilder<T> {
  readonly #batchSize: number
  readonly #partials = new Map<string, Partial<T>>()

  constructor(batchSize: number) {
    this.#batchSize = batchSize
  }

  /** @returns the batch that this sample completes */
  add(sample: Sample<T>, id: string, lease?: Lease): Batch<T> | undefined {
    const { height, width } = sample.size
    const key = `${height}×${width}`
    const partial = this.#partials.get(key) ?? this.#start(key, sample.size)
    sample.draw(partial.images, partial.targets.length * valuesOf(sample.size))
    partial.targets.push(sample.target)
    partial.ids.push(id)
    if (lease) partial.leases.add(lease)
    if (partial.targets.length < this.#batchSize) return undefined
    this.#partials.delete(key)
    return toBatch(partial)
  }

  /** Whether a sample of the lease is in a batch that is not full. */
  holds(lease: Lease): boolean {
    return [...this.#partials.values()].some(({ leases }) => leases.has(lease))
  }

  /** The batches that are not full. */
  flush(): Batch<T>[] {
    const rest = [...this.#partials.values()].map(toBatch)
    this.#partials.clear()
    return rest
  }

  #start(key: string, size: Size): Partial<T> {
    const images = new Float32Array(this.#batchSize * valuesOf(size))
    const partial = { size, images, targets: [], ids: [], leases: new Set<Lease>() }
    this.#partials.set(key, partial)
    return partial
  }
}

function toBatch<T>({ size, images, targets, ids }: Partial<T>): Batch<T> {
  const length = targets.length * valuesOf(size)
  const own = length === images.length ? images : images.slice(0, length)
  return { images: own, shape: [targets.length, size.height, size.width], targets, ids }
}

function valuesOf({ height, width }: Size): number {
  return height * width * 3
}
