/** Forward and backward pass on one batch. Of the worker, only this file and calibrate.ts use tensors. B batch, H W pixels, C channels. */
import type { Batch } from '../input/batch.ts'
import { disposeStep, valueAndGradients } from '../models/gradients.ts'
import type { Weights } from '../models/layer.ts'
import type { VariableSpec } from '../support/variables.ts'
import type { Task } from '../tasks/task.ts'
import { type Scalar, type Tensor, type Tensor4D, tf } from '../tensor/tf.ts'
import { valueTensors } from '../tensor/value-tensors.ts'

export interface StepOutput {
  loss: number
  /** The terms of the loss, where the task names them. */
  parts: Readonly<Record<string, number>>
  gradients: ReadonlyMap<string, Float32Array>
  statistics: ReadonlyMap<string, Float32Array>
  examples: number
  /** Whether the loss and every gradient are finite. */
  finite: boolean
  seconds: number
}

export interface Stepper<T = unknown> {
  /** Copies the weights, so the caller may overwrite the arrays afterwards. */
  load(weights: ReadonlyMap<string, Float32Array>): void
  step(batch: Batch<T>): StepOutput
  dispose(): void
}

/** What a step needs of a task. */
type Trainable<T> = Pick<Task<T>, 'variables' | 'encode' | 'objective'>

export function createStepper<T>(task: Trainable<T>): Stepper<T> {
  let weights: Weights = new Map()
  const dispose = () => tf.dispose([...weights.values()])
  return {
    load(values) {
      dispose()
      weights = weightTensors(task.variables, values)
    },
    step(batch) {
      const startedMs = performance.now()
      const images_BHWC = tf.tensor4d(batch.images, [...batch.shape, 3]) as Tensor4D
      const targets = valueTensors(task.encode(batch.targets))
      const result = valueAndGradients(task.variables, weights, (pass) => task.objective(pass, images_BHWC, targets))
      const loss = readScalar(result.loss)
      const parts = Object.fromEntries(Object.entries(result.parts).map(([name, part]) => [name, readScalar(part)]))
      const gradients = readOut(result.gradients)
      const statistics = readOut(result.statistics)
      disposeStep(result)
      tf.dispose([images_BHWC, ...Object.values(targets)])
      const finite = Number.isFinite(loss) && [...gradients.values()].every(allFinite)
      return {
        loss,
        parts,
        gradients,
        statistics,
        examples: batch.targets.length,
        finite,
        seconds: (performance.now() - startedMs) / 1000,
      }
    },
    dispose,
  }
}

export function weightTensors(
  variables: readonly VariableSpec[],
  values: ReadonlyMap<string, Float32Array>,
): Map<string, Tensor> {
  return new Map(
    variables.map(({ name, shape }) => {
      const value = values.get(name)
      if (!value) throw new RangeError(`no weights for ${name}`)
      return [name, tf.tensor(value.slice(), [...shape])]
    }),
  )
}

function readScalar(scalar: Scalar): number {
  return scalar.dataSync()[0] ?? Number.NaN
}

function readOut(tensors: ReadonlyMap<string, Tensor>): Map<string, Float32Array> {
  return new Map([...tensors].map(([name, tensor]) => [name, tensor.dataSync() as Float32Array]))
}

function allFinite(values: Float32Array): boolean {
  // The sum is finite only if every value is, and one addition per value is the cheapest check.
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i] as number
  return Number.isFinite(sum)
}
