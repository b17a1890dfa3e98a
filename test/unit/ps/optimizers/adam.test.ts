import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Kernels } from '../../../../src/ps/kernels.ts'
import { createOptimizer } from '../../../../src/ps/optimizers/optimizers.ts'

const GRADIENTS = [0.5, -0.25, 0.125, 2]

interface State {
  weight: number
  m: number
  v: number
}

const START: State = { weight: 1, m: 0, v: 0 }

/** The state after each of the updates `from` to `to`. */
function statesAfter(epsilon: number, { weight, m, v }: State = START, from = 0, to = GRADIENTS.length): State[] {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })
  const floats = new Float32Array(memory.buffer, 0, 4)
  floats.set([weight, 0, m, v])
  const kernels = new Kernels(memory)
  const { update } = createOptimizer({ type: 'adam', beta1: 0.9, beta2: 0.999, epsilon })
  const run = { start: 0, weights: 0, to: 0, gradient: 4, slots: { m: 8, v: 12 }, length: 1 }
  return GRADIENTS.slice(from, to).map((gradient, i) => {
    floats[1] = gradient
    kernels.runAll([update(run, { step: from + i, learningRate: 1e-3, weightDecay: 0 })])
    const [weight = 0, , m = 0, v = 0] = floats
    return { weight, m, v }
  })
}

/** Computed in float64 from the formulas of tf.train.AdamOptimizer. */
const GOLDEN = {
  1e-8: [0.999000001, 0.998733664, 0.998393235, 0.997757827],
  0.1: [0.999863473, 0.999823477, 0.999771306, 0.999519178],
}

for (const [epsilon, expected] of Object.entries(GOLDEN))
  test(`adam gives the weights of TF1 with epsilon ${epsilon}`, () => {
    for (const [i, { weight }] of statesAfter(Number(epsilon)).entries())
      assert.ok(Math.abs(weight - (expected[i] ?? 0)) < 1.5e-7, `update ${i + 1}: ${weight}, expected ${expected[i]}`)
  })

test('adam continues from saved slots and the saved step with the same bits', () => {
  const saved = statesAfter(1e-8, START, 0, 2).at(-1)
  assert.deepEqual(statesAfter(1e-8, saved, 2), statesAfter(1e-8).slice(2))
})

test('both means of adam start at zero', () => {
  const { slots } = createOptimizer({ type: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 })
  assert.deepEqual(slots, { m: 0, v: 0 })
})
