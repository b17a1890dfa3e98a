import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { silentLog } from '../../../src/support/log.ts'
import { sliceWidths } from '../../../src/tasks/sliced-head.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { tf } from '../../../src/tensor/tf.ts'
import { buildModel, config, drawWeights, image, type Model } from '../models/builders.ts'

before(async () => void (await selectBackend('wasm', silentLog)))

test('18,291 classes in 50 slices are 41 slices of 366 columns and 9 of 365', () => {
  const widths = sliceWidths(18_291, 50)
  assert.deepEqual(widths, [...new Array(41).fill(366), ...new Array(9).fill(365)])
  const { variables } = buildModel(config({ backbone: 'resnet101', classes: 18_291, headSlices: 50 }))
  const slices = variables.filter(({ slice }) => slice)
  assert.deepEqual(
    slices.map(({ shape }) => shape),
    widths.map((width) => [2048, width]),
  )
})

test('more slices than classes are refused', () => {
  assert.throws(() => buildModel(config({ classes: 3, headSlices: 4 })), {
    code: 'CONFIG_INVALID',
    message: 'headSlices: 4: expected at most 3, the classes',
  })
})

test('every image has one logit for each class, also with slices of different sizes', () => {
  const model = buildModel(config({ classes: 7, headSlices: 3 }))
  const weights = drawWeights(model, 2)
  for (const pixels of [9, 16, 33]) {
    const logits_BC = tf.tidy(() => model.forward(weights, image(2, pixels), { training: false }).logits_BC)
    assert.deepEqual(logits_BC.shape, [2, 7])
    logits_BC.dispose()
  }
  tf.dispose([...weights.values()])
})

test('a head in slices computes the same as one head', () => {
  const [one, three] = [1, 3].map((headSlices) => buildModel(config({ classes: 7, headSlices })))
  const whole = drawWeights(one as Model, 3)
  const width = sliceWidths(7, 3)
  const cut = new Map(whole)
  let from = 0
  for (const [i, columns] of width.entries()) {
    const weights = whole.get('head/slice_0/weights')
    const bias = whole.get('head/slice_0/bias')
    if (!weights || !bias) throw new Error('no head')
    cut.set(`head/slice_${i}/weights`, weights.slice([0, from], [-1, columns]))
    cut.set(`head/slice_${i}/bias`, bias.slice([from], [columns]))
    from += columns
  }
  const logits = (model: typeof one, weights: typeof whole) =>
    tf.tidy(() => model?.forward(weights, image(2, 8), { training: false }).logits_BC.arraySync())
  assert.deepEqual(logits(three, cut), logits(one, whole))
  tf.dispose([...whole.values(), ...cut.values()])
})
