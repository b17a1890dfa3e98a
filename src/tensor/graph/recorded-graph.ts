/** A function that was recorded as a graph: its placeholders, its outputs and a session. */

import type { Compute } from '../compute.ts'
import { namedTensors } from '../named-tensors.ts'
import { type Tensor, tf } from '../tf.ts'
import type { NamedValues, Output, Values } from '../values.ts'
import { record } from './recorder.ts'
import { type GraphAddon, openSession, type Session } from './session.ts'

/** Whether a feed is a weight or an input of each call. */
type Source = 'weight' | 'input'

interface FeedOf {
  readonly source: Source
  readonly name: string
}

interface OutputOf {
  readonly name: string
  readonly shape: readonly number[]
  readonly dtype: string
}

export class RecordedGraph {
  /** How many operations it has. */
  readonly operations: number
  readonly #session: Session
  readonly #feeds: readonly FeedOf[]
  readonly #outputs: readonly OutputOf[]

  private constructor(operations: number, session: Session, feeds: readonly FeedOf[], outputs: readonly OutputOf[]) {
    this.operations = operations
    this.#session = session
    this.#feeds = feeds
    this.#outputs = outputs
  }

  /** Runs the function once, and discards what it computes. @throws Error why it cannot be recorded */
  static record(addon: GraphAddon, compute: Compute, weights: NamedValues, inputs: NamedValues): RecordedGraph {
    const own = { weight: ownViews(weights), input: ownViews(inputs) }
    const tensors = { weight: namedTensors(own.weight), input: namedTensors(own.input) }
    const arrays = new Map(
      (['weight', 'input'] as const).flatMap((source) =>
        [...own[source]].map(([name, { values }]) => [values, { source, name }] as const),
      ),
    )
    const { results, nodes, feeds, fetches } = record(arrays, () => compute(tensors.weight, tensors.input))
    const outputs = [...results].map(([name, { shape, dtype }]) => ({ name, shape, dtype }))
    tf.dispose([...results.values(), ...tensors.weight.values(), ...tensors.input.values()] as Tensor[])
    const session = openSession(addon, nodes, [...feeds.keys()], fetches)
    return new RecordedGraph(nodes.length, session, [...feeds.values()], outputs)
  }

  /** @param into arrays that outputs are written to, by name; the others get new arrays */
  async run(
    weights: NamedValues,
    inputs: NamedValues,
    into: ReadonlyMap<string, Float32Array> = new Map(),
  ): Promise<ReadonlyMap<string, Output>> {
    const values = { weight: weights, input: inputs }
    const feeds = this.#feeds.map(({ source, name }) => values[source].get(name) as Values)
    const arrays = this.#outputs.map((output) => into.get(output.name) ?? arrayFor(output))
    const finite = await this.#session.run(feeds, arrays)
    return new Map(
      this.#outputs.map(({ name, shape }, i) => [
        name,
        { shape, values: arrays[i] as Float32Array | Int32Array, finite: finite[i] as boolean },
      ]),
    )
  }

  close(): void {
    this.#session.close()
  }
}

/** The recorder recognises an input by its array, so two inputs must not share one. */
function ownViews(values: NamedValues): NamedValues {
  return new Map([...values].map(([name, { shape, values }]) => [name, { shape, values: values.subarray() }]))
}

function arrayFor({ shape, dtype }: OutputOf): Float32Array | Int32Array {
  const length = shape.reduce((product, size) => product * size, 1)
  return dtype === 'int32' ? new Int32Array(length) : new Float32Array(length)
}
