/** The sum of n_push gradients; batch statistics are the newest, the loss a mean. */
import type { PushRequest } from './client.ts'
import type { StepOutput } from './step.ts'

export class Accumulator {
  #gradients = new Map<string, Float32Array>()
  #statistics: ReadonlyMap<string, Float32Array> = new Map()
  #lossSum = 0
  #examples = 0
  #steps = 0

  get steps(): number {
    return this.#steps
  }

  add({ gradients, statistics, loss, examples }: StepOutput): void {
    if (this.#steps === 0) this.#gradients = new Map(gradients)
    else for (const [name, values] of gradients) addTo(this.#gradients.get(name), values)
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
    }
    this.#gradients = new Map()
    this.#lossSum = this.#examples = this.#steps = 0
    return request
  }
}

function addTo(sum: Float32Array | undefined, values: Float32Array): void {
  if (sum) for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (values[i] as number)
}
