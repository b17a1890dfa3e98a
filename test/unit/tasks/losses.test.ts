import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import fc from 'fast-check'
import { silentLog } from '../../../src/support/log.ts'
import { denseTargets, logisticLoss, softmaxLoss } from '../../../src/tasks/label-loss.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { type Scalar, type Tensor2D, tf } from '../../../src/tensor/tf.ts'
import { derivative, worstError } from '../tensor/numeric.ts'

type Labels = number[][]
type Loss = (logits_BC: Tensor2D, targets_BC: Tensor2D) => Scalar

before(async () => void (await selectBackend('wasm', silentLog)))

function run(loss: Loss, z: number[][], labels: Labels): { value: number; gradient: number[] } {
  return tf.tidy(() => {
    const { shape, values } = denseTargets(labels, z[0]?.length ?? 0)
    const targets_BC = tf.tensor2d(values, shape as [number, number])
    const { value, grad } = tf.valueAndGrad((logits) => loss(logits as Tensor2D, targets_BC))(tf.tensor2d(z))
    return { value: value.dataSync()[0] as number, gradient: [...grad.dataSync()] }
  })
}

/** Losses in float64, computed by their definitions. */
function logisticReference(z: ArrayLike<number>, labels: Labels): number {
  const classes = z.length / labels.length
  const terms = Array.from(z, (value, i) => {
    const t = labels[Math.floor(i / classes)]?.includes(i % classes) ? 1 : 0
    return Math.max(value, 0) - value * t + Math.log1p(Math.exp(-Math.abs(value)))
  })
  return terms.reduce((a, b) => a + b, 0) / labels.length
}

function softmaxReference(z: ArrayLike<number>, labels: Labels): number {
  const classes = z.length / labels.length
  const rows = labels.map(([label], row) => {
    if (label === undefined) return 0
    const own = Array.from(z).slice(row * classes, (row + 1) * classes)
    const top = Math.max(...own)
    return Math.log(own.reduce((sum, value) => sum + Math.exp(value - top), 0)) + top - (own[label] as number)
  })
  return rows.reduce((a, b) => a + b, 0) / labels.length
}

test('the logistic loss equals the golden value: sum over labels, mean over the batch', () => {
  const z = [
    [2, -1, 0],
    [-3, 0.5, 100],
  ]
  const { value, gradient } = run(logisticLoss, z, [[0], [1, 2]])
  assert.ok(Math.abs(value - 0.828001) < 1e-6, String(value))
  const expected = [-0.059601, 0.134471, 0.25, 0.023713, -0.18877, 0]
  assert.ok(worstError(gradient, expected) < 1e-6, JSON.stringify(gradient))
})

const row = fc.array(fc.double({ min: -8, max: 8, noNaN: true }), { minLength: 4, maxLength: 4 })
const anyLabels = fc.uniqueArray(fc.integer({ min: 0, max: 3 }), { maxLength: 4 })
const examples = fc.array(fc.tuple(row, anyLabels), { minLength: 1, maxLength: 4 })

for (const [name, loss, reference, used] of [
  ['logistic', logisticLoss, logisticReference, (labels: Labels) => labels],
  ['softmax', softmaxLoss, softmaxReference, (labels: Labels) => labels.map((ids) => ids.slice(0, 1))],
] as const) {
  test(`the ${name} loss equals its definition and its gradient finite differences, for any logits and labels`, () => {
    fc.assert(
      fc.property(examples, (given) => {
        const labels = used(given.map(([, ids]) => ids))
        const z = given.map(([values]) => values.map(Math.fround))
        const { value, gradient } = run(loss, z, labels)
        const flat = z.flat()
        const slopes = flat.map((_, i) => derivative((at) => reference(at, labels), flat, i, 1e-4))
        assert.ok(worstError([value], [reference(flat, labels)]) < 1e-5)
        assert.ok(worstError(gradient, slopes) < 1e-5)
      }),
      { numRuns: 60 },
    )
  })

  test(`the ${name} loss and its gradient are finite for extreme logits`, () => {
    const z = [
      [1e4, -1e4, 0],
      [-1e4, 1e4, 88],
    ]
    const { value, gradient } = run(loss, z, [[1], [1]])
    assert.ok(Math.abs(value - reference(z.flat(), [[1], [1]])) / value < 1e-6, String(value))
    assert.ok(gradient.every(Number.isFinite), JSON.stringify(gradient))
  })
}

test('a label beyond the last class is refused, because it would set a value in the next row', () => {
  assert.throws(() => denseTargets([[3]], 3), {
    code: 'LABEL_UNKNOWN',
    message: 'label 3: the model has 3 classes',
  })
})
