import type { InputConfig } from '../contract/runtime.ts'
import type { Batch, ClassLabels } from './batch.ts'
import type { DecodedExample } from './examples.ts'
import { type Crop, cropLength, writeCrop } from './square-crop.ts'

/** Gathers cropped examples until a batch is full. A batch owns its memory whole, so that it can move to another thread. */
export class BatchBuilder {
  readonly #input: InputConfig
  readonly #batchSize: number
  #images: Float32Array
  #targets: ClassLabels[] = []
  #ids: string[] = []

  constructor(input: InputConfig, batchSize: number) {
    this.#input = input
    this.#batchSize = batchSize
    this.#images = new Float32Array(batchSize * cropLength(input))
  }

  /** Examples gathered so far. */
  get size(): number {
    return this.#targets.length
  }

  add(example: DecodedExample, crop: Crop): Batch | undefined {
    writeCrop(example.pixels, this.#input, crop, this.#images, this.#targets.length * cropLength(this.#input))
    this.#targets.push({ labels: example.labels })
    this.#ids.push(example.id)
    return this.#targets.length === this.#batchSize ? this.flush() : undefined
  }

  /** What has been gathered, if anything; the builder starts anew. */
  flush(): Batch | undefined {
    const size = this.#targets.length
    if (size === 0) return undefined
    const { cropPixels } = this.#input
    const batch: Batch = {
      images: size === this.#batchSize ? this.#images : this.#images.slice(0, size * cropLength(this.#input)),
      shape: [size, cropPixels, cropPixels],
      targets: this.#targets,
      ids: this.#ids,
    }
    this.#images = new Float32Array(this.#batchSize * cropLength(this.#input))
    this.#targets = []
    this.#ids = []
    return batch
  }
}
