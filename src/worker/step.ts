/** Forward and backward pass on one batch. Of the worker, only this file and calibrate.ts use tensors. B batch, H W pixels, C channels. */
import type { GraphMode } from '../contract/training.ts'
import type { Batch } from '../input/batch.ts'
import { valueAndGradients } from '../models/gradients.ts'
import { type Log, silentLog } from '../support/log.ts'
import type { VariableSpec } from '../support/variables.ts'
import type { Task } from '../tasks/task.ts'
import type { Compute } from '../tensor/compute.ts'
import { namedTensors } from '../tensor/named-tensors.ts'
import { createProgram } from '../tensor/program.ts'
import type { Tensor, Tensor4D } from '../tensor/tf.ts'
import type { NamedValues, Output } from '../tensor/values.ts'

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
  /** Keeps the arrays: the caller may change them only before the next load. @throws RangeError for a missing variable */
  load(weights: ReadonlyMap<string, Float32Array>): void
  /**
   * One step at a time.
   * @param into where gradients are written to, by variable; others get arrays of their own
   */
  step(batch: Batch<T>, into?: ReadonlyMap<string, Float32Array>): Promise<StepOutput>
  dispose(): void
}

/** What a step needs of a task. */
type Trainable<T> = Pick<Task<T>, 'variables' | 'encode' | 'objective'>

export interface StepperOptions {
  graph: GraphMode
  log: Log
}

const IMAGES = 'images'
/** Beginnings of the names of the results that a step has more than one of. */
const PREFIX = { part: 'part ', gradient: 'gradient of ', statistic: 'statistic ' } as const
type Kind = keyof typeof PREFIX

export function createStepper<T>(
  task: Trainable<T>,
  { graph, log }: StepperOptions = { graph: 'auto', log: silentLog },
): Stepper<T> {
  const program = createProgram({ name: 'the training step', compute: stepOf(task), graph, log })
  return {
    load: (weights) => program.load(weightValues(task.variables, weights)),
    async step({ images, shape, targets }, into = new Map()) {
      const startedMs = performance.now()
      const inputs = { ...task.encode(targets), [IMAGES]: { shape: [...shape, 3], values: images } }
      const outputs = await program.run(new Map(Object.entries(inputs)), new Map(prefixed('gradient', into)))
      const loss = scalarOf(outputs.get('loss'))
      const gradients = namesOf(outputs, 'gradient')
      return {
        loss,
        parts: Object.fromEntries(
          namesOf(outputs, 'part').map((name) => [name, scalarOf(outputs.get(PREFIX.part + name))]),
        ),
        gradients: arraysOf(outputs, 'gradient'),
        statistics: arraysOf(outputs, 'statistic'),
        examples: targets.length,
        finite: Number.isFinite(loss) && gradients.every((name) => outputs.get(PREFIX.gradient + name)?.finite),
        seconds: (performance.now() - startedMs) / 1000,
      }
    },
    dispose: () => program.dispose(),
  }
}

/** The step as a function of tensors. */
function stepOf<T>({ variables, objective }: Trainable<T>): Compute {
  return (weights, inputs) => {
    const { [IMAGES]: images, ...targets } = Object.fromEntries(inputs)
    const step = valueAndGradients(variables, weights, (pass) => objective(pass, images as Tensor4D, targets))
    return new Map<string, Tensor>([
      ['loss', step.loss],
      ...prefixed('part', Object.entries(step.parts)),
      ...prefixed('gradient', step.gradients),
      ...prefixed('statistic', step.statistics),
    ])
  }
}

function prefixed<V>(kind: Kind, entries: Iterable<readonly [string, V]>): [string, V][] {
  return [...entries].map(([name, value]) => [PREFIX[kind] + name, value])
}

type Outputs = ReadonlyMap<string, Output>

function namesOf(outputs: Outputs, kind: Kind): string[] {
  const prefix = PREFIX[kind]
  return [...outputs.keys()].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length))
}

function arraysOf(outputs: Outputs, kind: Kind): Map<string, Float32Array> {
  return new Map(namesOf(outputs, kind).map((name) => [name, outputs.get(PREFIX[kind] + name)?.values as Float32Array]))
}

function scalarOf(output: Output | undefined): number {
  return output?.values[0] ?? Number.NaN
}

export function weightTensors(variables: readonly VariableSpec[], values: ReadonlyMap<string, Float32Array>) {
  return namedTensors(weightValues(variables, values))
}

/** @throws RangeError for a missing variable */
function weightValues(variables: readonly VariableSpec[], values: ReadonlyMap<string, Float32Array>): NamedValues {
  return new Map(
    variables.map(({ name, shape }) => {
      const value = values.get(name)
      if (!value) throw new RangeError(`no weights for ${name}`)
      return [name, { shape, values: value }]
    }),
  )
}
