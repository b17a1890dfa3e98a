/** A step that is recorded as a graph must not contain the targets of the recorded batch as constants. */
import assert from 'node:assert/strict'
import { before, describe, mock, test } from 'node:test'
import { disposeStep, valueAndGradients } from '../../../src/models/gradients.ts'
import { silentLog } from '../../../src/support/log.ts'
import { DECLARATIONS } from '../../../src/tasks/declarations.ts'
import type { Task } from '../../../src/tasks/task.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { type Tensor, tf } from '../../../src/tensor/tf.ts'
import { drawWeights, image } from '../models/builders.ts'
import { TASK_CASES, taskOf } from './cases.ts'

before(async () => void (await selectBackend('wasm', silentLog)))

function tensorsOf(task: Task, targets: readonly unknown[]): Record<string, Tensor> {
  const encoded = Object.entries(task.encode(targets))
  return Object.fromEntries(encoded.map(([name, { shape, values }]) => [name, tf.tensor(values, [...shape])]))
}

function lossOf(run: () => ReturnType<typeof valueAndGradients>): number {
  const result = run()
  const [loss] = result.loss.dataSync()
  disposeStep(result)
  return loss as number
}

for (const { type } of DECLARATIONS)
  describe(`the objective of ${type}`, () => {
    const { targets, otherTargets } = TASK_CASES[type]

    test('uses the target tensors of each call', async () => {
      const task = await taskOf(type)
      const weights = drawWeights(task, 1)
      const images = image(targets.length, 8)
      const given = tensorsOf(task, targets)
      const others = tensorsOf(task, otherTargets)
      const run = () => valueAndGradients(task.variables, weights, (pass) => task.objective(pass, images, given))
      const first = lossOf(run)
      assert.equal(lossOf(run), first)
      const before = { ...given }
      Object.assign(given, others)
      const second = lossOf(run)
      assert.notEqual(second, first)
      const afresh = () => valueAndGradients(task.variables, weights, (pass) => task.objective(pass, images, others))
      assert.equal(lossOf(afresh), second)
      tf.dispose([images, ...Object.values(before), ...Object.values(others), ...weights.values()])
    })

    test('creates no constants that depend on the targets', async () => {
      const task = await taskOf(type)
      const weights = drawWeights(task, 1)
      const images = image(targets.length, 8)
      const constantsFor = (some: readonly unknown[]) => {
        const given = tensorsOf(task, some)
        const make = mock.method(tf.engine(), 'makeTensor')
        const step = valueAndGradients(task.variables, weights, (pass) => task.objective(pass, images, given))
        const constants = make.mock.calls.map(({ arguments: [values] }) => [...(values as Float32Array)])
        make.mock.restore()
        disposeStep(step)
        tf.dispose(given)
        return constants
      }
      const constants = constantsFor(targets)
      assert.ok(constants.length > 0, 'the batch size is one')
      assert.deepEqual(constantsFor(otherTargets), constants)
      tf.dispose([images, ...weights.values()])
    })
  })
