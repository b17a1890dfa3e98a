import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { silentLog } from '../../../src/support/log.ts'
import { sizeOf, type VariableSpec } from '../../../src/support/variables.ts'
import { sliceWidths } from '../../../src/tasks/sliced-head.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { tf } from '../../../src/tensor/tf.ts'
import { buildModel, config, drawWeights, image, type Model } from './builders.ts'

before(async () => void (await selectBackend('wasm', silentLog)))

const total = (variables: readonly VariableSpec[]) => variables.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
const named = (variables: readonly VariableSpec[], ...endings: string[]) =>
  total(variables.filter(({ name }) => endings.some((ending) => name.endsWith(ending))))

/** paper.md §4.5; that of 101 without its head but with moving statistics is Huang's 42,605,504. */
const COUNTS = {
  resnet50: { conv: 23_454_912, norm: 53_120, total1000: 25_557_032, total18291: 60_986_291 },
  resnet101: { conv: 42_394_816, norm: 105_344, total1000: 44_549_160, total18291: 79_978_419 },
  resnet152: { conv: 57_992_384, norm: 151_424, total1000: 60_192_808, total18291: 95_622_067 },
}

for (const [backbone, expected] of Object.entries(COUNTS)) {
  test(`${backbone} has the parameters of the paper`, () => {
    const at = (classes: number, headSlices: number) => buildModel(config({ backbone, classes, headSlices })).variables
    const small = at(1000, 1)
    const body = small.filter(({ restored }) => restored !== false)
    const trainable = (variables: readonly VariableSpec[]) => variables.filter(({ kind }) => kind === 'trainable')
    assert.equal(named(body, '/weights'), expected.conv)
    assert.equal(named(body, '/gamma', '/beta'), expected.norm)
    assert.equal(named(body, '/moving_mean', '/moving_variance'), expected.norm)
    assert.equal(total(trainable(small)), expected.total1000)
    assert.equal(total(trainable(at(18_291, 50))), expected.total18291)
    assert.equal(total(small.filter(({ restored }) => restored === false)), 2_049_000)
    assert.equal(total(at(18_291, 50).filter(({ restored }) => restored === false)), 37_478_259)
  })
}

test("ResNet-101 without its head, with moving statistics, has the 42,605,504 values of Huang's table", () => {
  const { variables } = buildModel(config({ backbone: 'resnet101' }))
  assert.equal(total(variables.filter(({ restored }) => restored !== false)), 42_605_504)
})

test('18,291 classes over 50 slices are 41 of 366 columns and 9 of 365', () => {
  const widths = sliceWidths(18_291, 50)
  assert.deepEqual(widths, [...new Array(41).fill(366), ...new Array(9).fill(365)])
  const { variables } = buildModel(config({ backbone: 'resnet101', classes: 18_291, headSlices: 50 }))
  const slices = variables.filter(({ slice }) => slice)
  assert.deepEqual(
    slices.map(({ shape }) => shape),
    widths.map((width) => [2048, width]),
  )
})

test('more slices than classes, and a backbone that nobody has, are refused by name', () => {
  assert.throws(() => buildModel(config({ classes: 3, headSlices: 4 })), {
    code: 'CONFIG_INVALID',
    message: 'headSlices: 4: expected at most 3, the classes',
  })
  assert.throws(() => buildModel(config({ backbone: 'vgg' })), {
    code: 'CONFIG_INVALID',
    message: /model\.backbone: vgg: expected one of resnet50, resnet101/,
  })
})

test('only convolution and head weights decay; names are unique', () => {
  const { variables } = buildModel(config({ headSlices: 2 }))
  assert.equal(new Set(variables.map(({ name }) => name)).size, variables.length)
  for (const { name, decay } of variables) assert.equal(decay, name.endsWith('/weights'), name)
})

/** Output heights of the convolutions with a filter of that size, in the order in which they run. */
async function outputHeights(backbone: string, pixels: number, kernel: number): Promise<number[]> {
  const model = buildModel(config({ backbone }))
  const weights = new Map(model.variables.map(({ name, shape }) => [name, tf.zeros([...shape])]))
  const input = image(1, pixels)
  const { kernels } = await tf.profile(() =>
    tf.tidy(() => model.forward(weights, input, { training: false }).logits_BC),
  )
  tf.dispose([input, ...weights.values()])
  const isWanted = ({ name, inputShapes }: (typeof kernels)[number]) =>
    name === 'Conv2D' && inputShapes.some((shape) => shape?.length === 4 && shape[0] === kernel && shape[1] === kernel)
  return kernels.filter(isWanted).map(({ outputShapes }) => outputShapes[0]?.[1] as number)
}

test('the stride of a block is in the 3×3 of its last unit, as in slim', async () => {
  const blocks = [
    [16, 16, 8],
    [8, 8, 8, 4],
    [4, 4, 4, 4, 4, 2],
    [2, 2, 2],
  ]
  assert.deepEqual(await outputHeights('resnet50', 64, 3), blocks.flat())
})

test('the root is 7×7 with stride 2', async () => {
  assert.deepEqual(await outputHeights('resnet50', 64, 7), [32])
})

test('logits are one a class for every image, also of odd sizes', () => {
  const model = buildModel(config({ classes: 7, headSlices: 3 }))
  const weights = drawWeights(model, 2)
  for (const pixels of [9, 16, 33]) {
    const logits_BC = tf.tidy(() => model.forward(weights, image(2, pixels), { training: false }).logits_BC)
    assert.deepEqual(logits_BC.shape, [2, 7])
    logits_BC.dispose()
  }
  tf.dispose([...weights.values()])
})

test('a head in slices computes what one head computes', () => {
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
