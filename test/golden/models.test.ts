/** Layouts and logits of every backbone. Existing checkpoints can be restored and score the same only if both stay. */
import { before, test } from 'node:test'
import { BACKBONES } from '../../src/models/architectures.ts'
import { silentLog } from '../../src/support/log.ts'
import { selectBackend } from '../../src/tensor/backend.ts'
import { tf } from '../../src/tensor/tf.ts'
import { makeLayout } from '../../src/wire/layout.ts'
import { buildModel, config, drawWeights, image, type ModelSettings } from '../unit/models/builders.ts'
import { assertGolden } from './golden.ts'

before(async () => void (await selectBackend('wasm', silentLog)))

const LAYOUTS: Readonly<Record<string, Partial<ModelSettings>>> = {
  'pre-training, 18,291 classes in 50 slices': { classes: 18_291, headSlices: 50 },
  'classification, 1000 classes': { classes: 1000, loss: 'softmax' },
  'classification, 1000 classes, frozen': { classes: 1000, loss: 'softmax', protocol: 'frozen' },
}

for (const backbone of BACKBONES) {
  test(`${backbone} has the recorded layout hashes`, () => {
    const hashes = Object.entries(LAYOUTS).map(([what, settings]) => {
      const { variables } = buildModel(config({ backbone, ...settings }))
      return [what, makeLayout(variables).hash]
    })
    assertGolden(`layout hashes of ${backbone}`, Object.fromEntries(hashes), { exact: true })
  })

  test(`${backbone} computes the recorded logits`, () => {
    const model = buildModel(config({ backbone, headSlices: 2 }))
    const weights = drawWeights(model, 1)
    const images = image(2, 40)
    const logits = (training: boolean) =>
      tf.tidy(() => [...model.forward(weights, images, { training }).logits_BC.dataSync()])
    assertGolden(`logits of ${backbone}`, { training: logits(true), evaluation: logits(false) })
    tf.dispose([images, ...weights.values()])
  })
}
