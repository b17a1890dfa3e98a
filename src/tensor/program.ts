/**
 * A function of named arrays that is computed by tensors, many times over: a training step, or the inference of a batch.
 * On native TensorFlow it is recorded as a graph, and one call of the graph replaces the calls of all its operations.
 */
import type { Log } from '../support/log.ts'
import type { Compute } from './compute.ts'
import { runEagerly } from './eager.ts'
import { GraphRunner } from './graph/runner.ts'
import { graphAddon } from './graph/session.ts'
import { namedTensors } from './named-tensors.ts'
import { type Tensor, tf } from './tf.ts'
import type { NamedValues, Output } from './values.ts'

export interface ProgramOptions {
  /** What the log calls it, for example 'the training step'. */
  readonly name: string
  readonly compute: Compute
  /** auto: as a graph where the backend and the function allow it. */
  readonly graph: 'auto' | 'off'
  readonly log: Log
}

export interface Program {
  /** Keeps the arrays: the caller may change them only before the next load. */
  load(weights: NamedValues): void
  /**
   * One call at a time. The caller must not change the inputs before it resolves.
   * @param into arrays that outputs are written to, by name; other outputs get new arrays
   */
  run(inputs: NamedValues, into?: ReadonlyMap<string, Float32Array>): Promise<ReadonlyMap<string, Output>>
  dispose(): void
}

export function createProgram(options: ProgramOptions): Program {
  return new TensorProgram(options)
}

class TensorProgram implements Program {
  readonly #compute: Compute
  readonly #graphs: GraphRunner | undefined
  #weights: NamedValues = new Map()
  /** Of `#weights`; absent: no eager call has needed them yet. */
  #tensors: ReadonlyMap<string, Tensor> | undefined

  constructor({ name, compute, graph, log }: ProgramOptions) {
    this.#compute = compute
    const addon = graph === 'auto' && tf.getBackend() === 'tensorflow' ? graphAddon(log) : undefined
    this.#graphs = addon && new GraphRunner({ name, compute, addon, log })
  }

  load(weights: NamedValues): void {
    this.#disposeTensors()
    this.#weights = weights
    // Backends without graphs copy the values, so there the arrays need not be kept.
    if (!this.#graphs) this.#tensors = namedTensors(weights)
  }

  async run(inputs: NamedValues, into: ReadonlyMap<string, Float32Array> = new Map()) {
    const graph = await this.#graphs?.graphFor(this.#weights, inputs)
    if (graph) return graph.run(this.#weights, inputs, into)
    this.#tensors ??= namedTensors(this.#weights)
    return runEagerly(this.#compute, this.#tensors, inputs, into)
  }

  dispose(): void {
    this.#disposeTensors()
    this.#graphs?.close()
  }

  #disposeTensors(): void {
    tf.dispose([...(this.#tensors?.values() ?? [])])
    this.#tensors = undefined
  }
}
