/** Compares names, shapes and logits with those of torchvision, which torchvision.json keeps. */
import assert from 'node:assert/strict'
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { loadCheckpoint } from '../../../src/checkpoint/load.ts'
import { encodeHeader } from '../../../src/checkpoint/safetensors-header.ts'
import { importCheckpoint } from '../../../src/interchange/import.ts'
import { createPass } from '../../../src/models/layer.ts'
import { sha256Of } from '../../../src/support/digest.ts'
import { createLog } from '../../../src/support/log.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { type Tensor4D, tf } from '../../../src/tensor/tf.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { torchvisionTensors } from './files.ts'
import { network } from './fixtures.ts'
import { hashedPixels, hashedValues } from './hashed.ts'

const CLASSES = 10
const TOLERANCE = 1e-5
const folder = temporaryFolder()

interface Golden {
  networks: Record<
    'resnet50' | 'resnet101' | 'resnet152',
    { logits: Record<string, number[]>; tensors: number; sha256: string }
  >
  'tensors of resnet50': string[]
}
const golden: Golden = JSON.parse(readFileSync(join(import.meta.dirname, 'torchvision.json'), 'utf8'))

before(async () => {
  await selectBackend('wasm', createLog({}, 'error'))
})

function listOf(backbone: 'resnet50' | 'resnet101' | 'resnet152'): string[] {
  return torchvisionTensors(backbone, CLASSES)
    .map(({ name, shape }) => `${name} [${shape}]`)
    .sort()
}

test('an exported network has the names and shapes of torchvision', () => {
  assert.deepEqual(listOf('resnet50'), golden['tensors of resnet50'])
  for (const backbone of ['resnet50', 'resnet101', 'resnet152'] as const) {
    const names = listOf(backbone)
    const { tensors, sha256 } = golden.networks[backbone]
    assert.deepEqual([names.length, sha256Of(names.join('\n'))], [tensors, sha256])
  }
})

/** Writes the file that resnet.py would save. */
function writeHashed(path: string, backbone: 'resnet50' | 'resnet101'): void {
  const tensors = torchvisionTensors(backbone, CLASSES).filter(({ dtype }) => dtype === 'F32')
  const seeds = new Map(
    tensors
      .map(({ name }) => name)
      .sort()
      .map((name, seed) => [name, seed]),
  )
  const file = openSync(path, 'w')
  writeSync(file, encodeHeader(tensors, {}))
  for (const { name, shape } of tensors) writeSync(file, hashedValues(name, shape, seeds.get(name) as number))
  closeSync(file)
}

for (const backbone of ['resnet50', 'resnet101'] as const)
  test(`an imported ${backbone} gives the logits of torchvision, for odd sizes too`, async (t) => {
    const file = join(folder, `${backbone}.safetensors`)
    writeHashed(file, backbone)
    const imported = await importCheckpoint({ file, out: join(folder, backbone) })
    const { variables } = await loadCheckpoint(imported.folder)
    const weights = new Map([...variables].map(([name, { shape, data }]) => [name, tf.tensor(data, [...shape])]))
    const { logits } = network({ backbone, classes: CLASSES })
    for (const [i, [size, expected]] of Object.entries(golden.networks[backbone].logits).entries()) {
      const [height, width] = size.split('x').map(Number) as [number, number]
      const pixels = Float32Array.from(hashedPixels(height, width, i), (byte) => (byte / 255) * 2 - 1)
      const values = tf.tidy(() =>
        logits(
          createPass(weights, { training: false }),
          tf.tensor4d(pixels, [1, height, width, 3]) as Tensor4D,
        ).dataSync(),
      )
      const scale = Math.max(...expected.map(Math.abs))
      const apart = Math.max(...expected.map((value, k) => Math.abs(value - (values[k] as number)))) / scale
      t.diagnostic(`${size}: apart by ${apart.toExponential(1)} of the largest logit`)
      assert.ok(apart <= TOLERANCE, `${size}: ${[...values]} beside ${expected}`)
    }
    tf.dispose([...weights.values()])
  })
