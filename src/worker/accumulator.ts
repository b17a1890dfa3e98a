/** The sum of n_push gradients; batch statistics are the newest, the loss a mean, the base is that of the oldest. */
import type { PushRequest, WeightsBase } from './client.ts'
import type { StepOutput } from './step.ts'

export class Accumulator {
  #gradients = new Map<string, Float32Array>()
  #statistics: ReadonlyMap<string, Float32Array> = new Map()
  #lossSum = 0
  #examples = 0
  #steps = 0
  #base: WeightsBase = []

  get steps(): number {
    return this.#steps
  }

  /** @param base what the step was computed on: where a server came back with other weights, the sum starts anew. */
  add({ gradients, statistics, loss, examples }: StepOutput, base: WeightsBase): void {
    if (this.#steps > 0 && !isOfOneLife(this.#base, base)) this.#clear()
    if (this.#steps === 0) {
      this.#gradients = new Map(gradients)
      this.#base = base
    } else for (const [name, values] of gradients) addTo(this.#gradients.get(name), values)
    this.#statistics = statistics
    this.#lossSum += loss
    this.#examples += examples
    this.#steps++
  }

  /** What has been gathered; starts anew. */
  take(): PushRequest {
    const request = {
      gradients: this.#gradients,
      statistics: this.#statistics,
      loss: this.#lossSum / this.#steps,
      examples: this.#examples,
      base: this.#base,
    }
    this.#clear()
    return request
  }

  #clear(): void {
    this.#gradients = new Map()
    this.#lossSum = this.#examples = this.#steps = 0
  }
}

function addTo(sum: Float32Array | undefined, values: Float32Array): void {
  if (sum) for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (values[i] as number)
}

function isOfOneLife(a: WeightsBase, b: WeightsBase): boolean {
  return a.every(({ incarnation }, shard) => incarnation === b[shard]?.incarnation)
}
