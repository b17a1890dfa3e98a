/** The weights of all shards by the name of the variable. */
import { sizeOf } from '../support/variables.ts'
import { isWhole, type Placement } from './layout.ts'

interface Copy {
  readonly from: Float32Array
  readonly to: Float32Array
}

/** Views of the shards' arrays; a variable that is cut has an array of its own, which is copied together. */
export class Assembled {
  readonly byName: ReadonlyMap<string, Float32Array>
  /** For each shard, the parts to copy. */
  readonly #copies: readonly (readonly Copy[])[]

  /** @param flats the weights of each shard, in the order of the shards */
  constructor({ shards }: Placement, flats: readonly Float32Array[]) {
    const byName = new Map<string, Float32Array>()
    this.byName = byName
    this.#copies = shards.map(({ entries }, shard) => {
      const flat = flats[shard] as Float32Array
      return entries.flatMap((entry) => {
        const { name, shape, offset, start, length } = entry
        const from = flat.subarray(offset, offset + length)
        const whole = isWhole(entry) ? from : (byName.get(name) ?? new Float32Array(sizeOf(shape)))
        byName.set(name, whole)
        return isWhole(entry) ? [] : [{ from, to: whole.subarray(start, start + length) }]
      })
    })
  }

  /** Call when the weights of a shard have changed. */
  update(shard: number): void {
    for (const { from, to } of this.#copies[shard] ?? []) to.set(from)
  }
}
