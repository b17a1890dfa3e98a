/** Sums up the gradients of n_push steps. Batch statistics and the loss are averaged over batches; the base is that of the oldest step. */
import type { WeightsBase } from './buffers.ts'
import type { PushRequest } from './client.ts'
import type { StepSum } from './step-source.ts'

export class Accumulator {
  #gradients = new Map<string, Float32Array>()
  #statistics = new Map<string, Float32Array>()
  #lossSum = 0
  #examples = 0
  #steps = 0
  #batches = 0
  #base: WeightsBase = []

  get steps(): number {
    return this.#steps
  }

  /** @param base of the step. If a server has restarted since the previous step, the sum starts over. */
  add({ gradients, statistics, loss, examples, batches }: StepSum, base: WeightsBase): void {
    if (this.#steps > 0 && !haveSameIncarnations(this.#base, base)) this.#clear()
    if (this.#steps === 0) {
      this.#gradients = new Map(gradients)
      this.#statistics = new Map(statistics)
      this.#base = base
    } else {
      addAll(this.#gradients, gradients)
      addAll(this.#statistics, statistics)
    }
    this.#lossSum += batches * loss
    this.#examples += examples
    this.#batches += batches
    this.#steps++
  }

  /** Returns the sum and starts a new one. */
  take(): PushRequest {
    if (this.#batches > 1) divideAll(this.#statistics, this.#batches)
    const request = {
      gradients: this.#gradients,
      statistics: this.#statistics,
      batches: this.#batches,
      loss: this.#lossSum / this.#batches,
      examples: this.#examples,
      base: this.#base,
    }
    this.#clear()
    return request
  }

  #clear(): void {
    this.#gradients = new Map()
    this.#statistics = new Map()
    this.#lossSum = this.#examples = this.#steps = this.#batches = 0
  }
}

function addAll(sums: ReadonlyMap<string, Float32Array>, added: ReadonlyMap<string, Float32Array>): void {
  for (const [name, sum] of sums) {
    const values = added.get(name) as Float32Array
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (values[i] as number)
  }
}

function divideAll(sums: ReadonlyMap<string, Float32Array>, divisor: number): void {
  for (const sum of sums.values()) for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) / divisor
}

function haveSameIncarnations(a: WeightsBase, b: WeightsBase): boolean {
  return a.every(({ incarnation }, shard) => incarnation === b[shard]?.incarnation)
}
