/**
 * Decides when a function runs as a recorded graph. The second call with inputs of one shape is recorded. The third one
 * checks the graph against the function itself on its own inputs and on other weights, because a graph that has kept a
 * value of the recorded call would be right on that call alone.
 */
import { errorMessage } from '../../support/errors.ts'
import type { Log } from '../../support/log.ts'
import type { Compute } from '../compute.ts'
import { runEagerly } from '../eager.ts'
import { namedTensors } from '../named-tensors.ts'
import { tf } from '../tf.ts'
import type { NamedValues, Values } from '../values.ts'
import { RecordedGraph } from './recorded-graph.ts'
import type { GraphAddon } from './session.ts'

/** Each graph keeps memory of its own. A task with more shapes of inputs computes the others operation by operation. */
const MAX_GRAPHS = 4
/** Of the largest value of an output. Both compute with the same kernels, in an order that may differ. */
const TOLERANCE = 1e-4

export interface RunnerOptions {
  readonly name: string
  readonly compute: Compute
  readonly addon: GraphAddon
  readonly log: Log
}

type Candidate = { readonly state: 'seen' } | { readonly state: 'recorded' | 'checked'; readonly graph: RecordedGraph }

export class GraphRunner {
  readonly #options: RunnerOptions
  readonly #candidates = new Map<string, Candidate>()
  #isRefused = false

  constructor(options: RunnerOptions) {
    this.#options = options
  }

  /** @returns undefined: this call must run operation by operation */
  async graphFor(weights: NamedValues, inputs: NamedValues): Promise<RecordedGraph | undefined> {
    if (this.#isRefused) return undefined
    const key = JSON.stringify([...inputs].map(([name, { shape }]) => [name, shape]))
    const candidate = this.#candidates.get(key)
    if (candidate?.state === 'checked') return candidate.graph
    try {
      const next = await this.#advance(candidate, weights, inputs)
      if (next) this.#candidates.set(key, next)
      return next?.state === 'checked' ? next.graph : undefined
    } catch (error) {
      this.#refuse(errorMessage(error))
      return undefined
    }
  }

  close(): void {
    for (const candidate of this.#candidates.values()) if (candidate.state !== 'seen') candidate.graph.close()
    this.#candidates.clear()
  }

  async #advance(
    candidate: Candidate | undefined,
    weights: NamedValues,
    inputs: NamedValues,
  ): Promise<Candidate | undefined> {
    const { name, compute, addon, log } = this.#options
    if (!candidate) return this.#candidates.size < MAX_GRAPHS ? { state: 'seen' } : undefined
    if (candidate.state === 'seen') {
      return { state: 'recorded', graph: RecordedGraph.record(addon, compute, weights, inputs) }
    }
    const { graph } = candidate
    await check(graph, compute, perturbed(weights), inputs)
    log.info({ operations: graph.operations }, `${name} runs as a recorded graph`)
    return { state: 'checked', graph }
  }

  #refuse(reason: string): void {
    const { name, log } = this.#options
    this.#isRefused = true
    this.close()
    log.info({ reason }, `${name} runs operation by operation, because it cannot be recorded as a graph`)
  }
}

/** Other weights than the recorded ones. Zeros change as well, and variances stay positive. */
function perturbed(weights: NamedValues): NamedValues {
  const other = ({ shape, values }: Values) => ({ shape, values: values.map((value) => 1.01 * value + 1e-3) })
  return new Map([...weights].map(([name, one]) => [name, other(one)]))
}

/** @throws Error which output differs */
async function check(graph: RecordedGraph, compute: Compute, weights: NamedValues, inputs: NamedValues): Promise<void> {
  const tensors = namedTensors(weights)
  const expected = runEagerly(compute, tensors, inputs)
  tf.dispose([...tensors.values()])
  const actual = await graph.run(weights, inputs)
  for (const [name, { values }] of expected) {
    const difference = largestDifference(values, actual.get(name)?.values ?? new Float32Array())
    if (difference <= TOLERANCE) continue
    throw new Error(`its graph computes another ${name}: by ${difference.toExponential(1)} of the largest value`)
  }
}

/** As a share of the largest value; 0 for equal bits. */
function largestDifference(expected: Values['values'], actual: Values['values']): number {
  if (expected.length !== actual.length) return Number.POSITIVE_INFINITY
  let [largest, difference] = [0, 0]
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [expected[i] as number, actual[i] as number]
    largest = Math.max(largest, Math.abs(a))
    if (!Object.is(a, b)) difference = Math.max(difference, Math.abs(a - b))
  }
  return difference === 0 ? 0 : difference / largest
}
