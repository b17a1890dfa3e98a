/**
 * The memory of an exchange: weights that were received, and gradients that are sent. A worker that exchanges while it
 * computes has each of them twice, because it uses one and exchanges the other.
 */
import { Assembled } from '../wire/assembled.ts'
import { isWhole, type LayoutEntry, type Placement, type ShardLayout, viewsOf } from '../wire/layout.ts'
import { type Region, standAlone } from '../wire/regions.ts'

/** Weights of one shard. */
export interface ReceivedWeights {
  /** All of them; complete only after the answer to a pull. */
  readonly region: Region
  /** Which ones; zeros: none, or incomplete ones. */
  have: { incarnation: number; version: number }
}

/** Which weights of each shard, in the order of the shards. */
export type WeightsBase = readonly ReceivedWeights['have'][]

export class WeightBuffer {
  /** In the order of the shards. */
  readonly shards: readonly ReceivedWeights[]
  /** Every variable of the model, as views of what was received where it is whole. */
  readonly byName: ReadonlyMap<string, Float32Array>
  readonly #assembled: Assembled

  constructor(placement: Placement) {
    this.shards = placement.shards.map(({ total }) => ({
      region: standAlone(4 * total),
      have: { incarnation: 0, version: 0 },
    }))
    this.#assembled = new Assembled(
      placement,
      this.shards.map(({ region }) => region.floats),
    )
    this.byName = this.#assembled.byName
  }

  get base(): WeightsBase {
    return this.shards.map(({ have }) => have)
  }

  /** Call when the weights of a shard are complete. */
  received(shard: number, have: ReceivedWeights['have']): void {
    const received = this.shards[shard] as ReceivedWeights
    received.have = have
    this.#assembled.update(shard)
  }
}

export class GradientBuffer {
  /** The body of a push to each shard. */
  readonly shards: readonly Region[]
  /** Gradients and batch statistics of variables that are whole, as views of the bodies. */
  readonly byName: ReadonlyMap<string, Float32Array>

  constructor({ shards }: Placement, bodies: readonly Region[]) {
    this.shards = bodies
    const views = shards.flatMap((shard, i) => [
      ...viewsOf(pushedOf(shard).filter(isWhole), (this.shards[i] as Region).floats),
    ])
    this.byName = new Map(views)
  }
}

/** The variables, or parts of them, whose gradients or statistics a push contains. */
export function pushedOf({ entries }: ShardLayout): LayoutEntry[] {
  return entries.filter(({ kind }) => kind !== 'frozen')
}
