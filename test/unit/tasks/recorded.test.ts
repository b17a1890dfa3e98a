/** Which tasks native TensorFlow records as a graph, and that a recorded step computes what the eager one does, bit by bit. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createInference } from '../../../src/evaluator/inference.ts'
import type { Batch } from '../../../src/input/batch.ts'
import { sha256Of } from '../../../src/support/digest.ts'
import { type Log, silentLog } from '../../../src/support/log.ts'
import { createRandom } from '../../../src/support/random.ts'
import type { VariableSpec } from '../../../src/support/variables.ts'
import { DECLARATIONS } from '../../../src/tasks/declarations.ts'
import { createStepper, type StepOutput, type Stepper } from '../../../src/worker/step.ts'
import { useBackend } from '../../support/backends.ts'
import { drawValues } from '../models/builders.ts'
import { TASK_CASES, taskOf } from './cases.ts'

const skip = (await useBackend('tensorflow')) ? false : 'TensorFlow is not set up'
const STEPS = 6
const PIXELS = 8
/** Detectors read boxes in mid-step. */
const STAY_EAGER = ['coco-detection', 'voc-detection']

function batchOf(targets: readonly unknown[], seed: number): Batch<unknown> {
  const random = createRandom(seed)
  const images = Float32Array.from({ length: targets.length * PIXELS * PIXELS * 3 }, () => random.next() * 2 - 1)
  return { images, shape: [targets.length, PIXELS, PIXELS], targets, ids: targets.map(String) }
}

/** Digests of the arrays: a failed comparison of a million values would take minutes to print. */
function factsOf({ loss, parts, finite, gradients, statistics }: StepOutput) {
  return { loss, parts, finite, gradients: digestsOf(gradients), statistics: digestsOf(statistics) }
}

function digestsOf(arrays: Iterable<readonly [string, Float32Array | Int32Array]>): Record<string, string> {
  const digest = ({ buffer, byteOffset, byteLength }: Float32Array | Int32Array) =>
    sha256Of(new Uint8Array(buffer, byteOffset, byteLength))
  return Object.fromEntries([...arrays].map(([name, array]) => [name, digest(array)]))
}

/** Moving variances are positive. */
function positive(variable: VariableSpec, seed: number): Float32Array {
  const values = drawValues(variable, seed)
  return variable.name.endsWith('variance') ? values.map(Math.abs) : values
}

for (const { type } of DECLARATIONS)
  describe(`the step of ${type} on native TensorFlow`, { skip }, () => {
    const { targets, otherTargets } = TASK_CASES[type]

    async function stepsOf(stepper: Stepper) {
      const task = await taskOf(type)
      const outputs: ReturnType<typeof factsOf>[] = []
      for (let step = 0; step < STEPS; step++) {
        stepper.load(new Map(task.variables.map((variable) => [variable.name, drawValues(variable, step)])))
        outputs.push(factsOf(await stepper.step(batchOf(step % 2 === 0 ? targets : otherTargets, step))))
      }
      stepper.dispose()
      return outputs
    }

    test('is the same recorded and eager', async () => {
      const messages: string[] = []
      const log: Log = { ...silentLog, info: (_, message) => void messages.push(message) }
      const task = await taskOf(type)
      const recorded = await stepsOf(createStepper(task, { graph: 'auto', log }))
      const eager = await stepsOf(createStepper(task, { graph: 'off', log }))
      const expected = STAY_EAGER.includes(type)
        ? 'the training step runs operation by operation, because it cannot be recorded as a graph'
        : 'the training step runs as a recorded graph'
      assert.deepEqual(messages, [expected])
      assert.deepEqual(recorded, eager)
    })

    test('and its inference are the same recorded and eager', async () => {
      const task = await taskOf(type)
      const scoresWith = async (graph: 'auto' | 'off') => {
        const inference = createInference(task, { graph, log: silentLog })
        const digests: Record<string, string>[] = []
        for (let batch = 0; batch < STEPS; batch++) {
          const drawn = task.variables.map(
            (one) => [one.name, { shape: one.shape, values: positive(one, batch) }] as const,
          )
          inference.load(new Map(drawn))
          const outputs = await inference.outputs(batchOf(batch % 2 === 0 ? targets : otherTargets, batch))
          digests.push(digestsOf(Object.entries(outputs).map(([name, { values }]) => [name, values])))
        }
        inference.dispose()
        return digests
      }
      assert.deepEqual(await scoresWith('auto'), await scoresWith('off'))
    })
  })
