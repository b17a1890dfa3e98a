/** A training loop without servers: its own RMSprop, which rounds each operation to float32. Only the seeded draw is that of src/ps. */
import type { RuntimeConfig } from '../../../src/contract/runtime.ts'
import { drawInitial } from '../../../src/ps/initial.ts'
import { sizeOf, type VariableSpec } from '../../../src/support/variables.ts'

const f = Math.fround
export const RMSPROP = { decay: 0.9, momentum: 0.9, epsilon: 1e-10 }
export const STATISTIC_DECAY = 0.9
const RHO = f(RMSPROP.decay)

type Values = ReadonlyMap<string, Float32Array>

interface State {
  variable: VariableSpec
  w: Float32Array
  rms: Float32Array
  momentum: Float32Array
}

/** Sums of gradients, and means of statistics, over `batches`. */
export interface PlainStep {
  gradients: Values
  statistics: Values
  batches: number
  learningRate: number
}

export class PlainLoop {
  readonly #states: readonly State[]
  readonly #weightDecay: number

  constructor(variables: readonly VariableSpec[], { seed, weightDecay }: Pick<RuntimeConfig, 'seed' | 'weightDecay'>) {
    this.#states = variables.map((variable) => initialState(variable, seed))
    this.#weightDecay = weightDecay
  }

  /** A copy. */
  get weights(): Map<string, Float32Array> {
    return new Map(this.#states.map(({ variable: { name }, w }) => [name, Float32Array.from(w)]))
  }

  update(step: PlainStep): void {
    for (const state of this.#states) {
      if (state.variable.kind === 'statistic') average(state, step)
      else optimize(state, step, this.#weightDecay)
    }
  }
}

function initialState(variable: VariableSpec, seed: number): State {
  const length = sizeOf(variable.shape)
  const w = new Float32Array(length)
  drawInitial({ ...variable, offset: 0, start: 0, length }, seed, w)
  return { variable, w, rms: new Float32Array(length).fill(1), momentum: new Float32Array(length) }
}

function average({ variable: { name }, w }: State, { statistics, batches }: PlainStep): void {
  const decay = f(STATISTIC_DECAY ** batches)
  const batch = statistics.get(name)
  for (let i = 0; i < w.length; i++) w[i] = f(f(decay * (w[i] ?? 0)) + f(f(1 - decay) * (batch?.[i] ?? 0)))
}

function optimize({ variable, w, rms, momentum }: State, step: PlainStep, weightDecay: number): void {
  const { gradients, batches, learningRate } = step
  const gradient = gradients.get(variable.name)
  for (let i = 0; i < w.length; i++) {
    const weight = w[i] ?? 0
    const decayed = variable.decay ? f(f(batches * weightDecay) * weight) : 0
    const g = f((gradient?.[i] ?? 0) + decayed)
    rms[i] = f(f(RHO * (rms[i] ?? 0)) + f(f(1 - RHO) * f(g * g)))
    const change = f(f(f(learningRate) * g) / f(Math.sqrt(f((rms[i] ?? 0) + f(RMSPROP.epsilon)))))
    momentum[i] = f(f(f(RMSPROP.momentum) * (momentum[i] ?? 0)) + change)
    w[i] = weight - (momentum[i] ?? 0)
  }
}
