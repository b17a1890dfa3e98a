/** The estimates beside published counts: https://arxiv.org/abs/1512.03385 and the table of TF-slim. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Model } from '../../../src/contract/training.ts'
import { imageCost } from '../../../src/models/cost.ts'
import { buildModel, config } from './builders.ts'

const BILLION = 1e9

function costOf(backbone: Model['backbone'], pixels: number, more: Partial<Parameters<typeof imageCost>[0]> = {}) {
  const { variables } = buildModel(config({ backbone, classes: 1000 }))
  return imageCost({ backbone, placement: 'lastUnit', variables, pixels, ...more })
}

suite('the cost of an image', () => {
  for (const [backbone, published] of [
    ['resnet50', 3.48],
    ['resnet101', 7.2],
    ['resnet152', 10.9],
  ] as const)
    test(`of ${backbone} at 224 pixels is within 4% of the ${published} billion multiply-adds that are published`, () => {
      const forward = costOf(backbone, 224 ** 2).multiplyAdds / 3
      assert.ok(Math.abs(forward / (published * BILLION) - 1) < 0.04, String(forward))
    })

  test('is proportional to its pixels, but for the last layer', () => {
    const head = 3 * 2048 * 1000
    const [small, large] = [costOf('resnet50', 100 ** 2), costOf('resnet50', 200 ** 2)]
    const ratio = (large.multiplyAdds - head) / (small.multiplyAdds - head)
    assert.ok(Math.abs(ratio - 4) < 1e-9, String(ratio))
  })

  test('is larger with a smaller output stride, which keeps the features large', () => {
    assert.ok(
      costOf('resnet50', 224 ** 2, { outputStride: 8 }).multiplyAdds > 3 * costOf('resnet50', 224 ** 2).multiplyAdds,
    )
  })

  test('counts frozen layers once, and keeps nothing of them', () => {
    const { variables } = buildModel(config({ backbone: 'resnet50', classes: 1000 }))
    const frozen = variables.map((variable) => ({ ...variable, kind: 'frozen' as const }))
    const [all, none] = [costOf('resnet50', 224 ** 2), costOf('resnet50', 224 ** 2, { variables: frozen })]
    assert.ok(Math.abs(all.multiplyAdds / none.multiplyAdds - 3) < 1e-9)
    assert.equal(none.activations, 0)
    assert.ok(all.activations > 10e6)
  })
})
