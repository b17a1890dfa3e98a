/**
 * Copies of the weights that pulls send, because updates continue meanwhile. Pulls of the same version share one. Copy and
 * checksum are made in one pass.
 */
import type { Region } from '../wire/regions.ts'
import type { Training } from './training.ts'

export interface WeightCopy {
  readonly version: number
  readonly body: Region
  /** Number of pulls that send it. */
  readers: number
}

export class WeightCopies {
  #newest: WeightCopy | undefined

  /** Waits while there is no room for a copy. The result has the version of the moment at which the promise resolves. */
  async take(training: Training): Promise<WeightCopy> {
    if (this.#isCurrent(training)) return this.#join()
    const { bodies, weights } = training.shard
    const body = await bodies.take(weights.byteLength)
    if (this.#isCurrent(training)) {
      bodies.release(body.bytes)
      return this.#join()
    }
    body.copyFrom(weights.byteOffset, weights.byteLength)
    this.#newest = { version: training.version, body, readers: 0 }
    return this.#join()
  }

  /** Call when a pull has sent its copy. */
  release(copy: WeightCopy, { shard }: Training): void {
    if (--copy.readers > 0) return
    if (this.#newest === copy) this.#newest = undefined
    shard.bodies.release(copy.body.bytes)
  }

  #isCurrent({ version }: Training): boolean {
    return this.#newest?.version === version
  }

  #join(): WeightCopy {
    const copy = this.#newest as WeightCopy
    copy.readers++
    return copy
  }
}
