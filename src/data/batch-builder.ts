import type { InputConfig } from '../contract/runtime.ts'
import type { Batch } from './batch.ts'
import type { DecodedExample } from './examples.ts'
import { type Crop, cropLength, writeCrop } from './image.ts'

/** Gathers cropped examples until a batch is full. A batch owns its memory whole, so that it can move to another thread. */
export class BatchBuilder {
  readonly #input: InputConfig
  readonly #batchSize: number
  #images: Float32Array
  #labels: number[][] = []
  #ids: string[] = []

  constructor(input: InputConfig, batchSize: number) {
    this.#input = input
    this.#batchSize = batchSize
    this.#images = new Float32Array(batchSize * cropLength(input))
  }

  /** Examples gathered so far. */
  get size(): number {
    return this.#labels.length
  }

  add(example: DecodedExample, crop: Crop): Batch | undefined {
    writeCrop(example.pixels, this.#input, crop, this.#images, this.#labels.length * cropLength(this.#input))
    this.#labels.push(example.labels)
    this.#ids.push(example.id)
    return this.#labels.length === this.#batchSize ? this.flush() : undefined
  }

  /** What has been gathered, if anything; the builder starts anew. */
  flush(): Batch | undefined {
    const size = this.#labels.length
    if (size === 0) return undefined
    const batch = {
      images: size === this.#batchSize ? this.#images : this.#images.slice(0, size * cropLength(this.#input)),
      labels: this.#labels,
      ids: this.#ids,
      size,
    }
    this.#images = new Float32Array(this.#batchSize * cropLength(this.#input))
    this.#labels = []
    this.#ids = []
    return batch
  }
}
