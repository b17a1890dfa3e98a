import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sizeOf, type VariableSpec } from '../../../src/support/variables.ts'
import { buildModel, config } from './builders.ts'

const total = (variables: readonly VariableSpec[]) => variables.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
const named = (variables: readonly VariableSpec[], ...endings: string[]) =>
  total(variables.filter(({ name }) => endings.some((ending) => name.endsWith(ending))))

/** Parameter counts of paper.md §4.5. */
const COUNTS = {
  resnet50: { conv: 23_454_912, norm: 53_120, total1000: 25_557_032, total18291: 60_986_291 },
  resnet101: { conv: 42_394_816, norm: 105_344, total1000: 44_549_160, total18291: 79_978_419 },
  resnet152: { conv: 57_992_384, norm: 151_424, total1000: 60_192_808, total18291: 95_622_067 },
}

for (const backbone of ['resnet50', 'resnet101', 'resnet152'] as const) {
  const expected = COUNTS[backbone]
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

test('only convolution and head weights have weight decay, and names are unique', () => {
  const { variables } = buildModel(config({ headSlices: 2 }))
  assert.equal(new Set(variables.map(({ name }) => name)).size, variables.length)
  for (const { name, decay } of variables) assert.equal(decay, name.endsWith('/weights'), name)
})
