/** Networks in files that Downpour exports and imports, beside torchvision's. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, suite, type TestContext, test } from 'node:test'
import { loadCheckpoint } from '../../src/checkpoint/load.ts'
import { exportCheckpoint } from '../../src/interchange/export.ts'
import { importCheckpoint } from '../../src/interchange/import.ts'
import { createPass } from '../../src/models/layer.ts'
import { createLog } from '../../src/support/log.ts'
import { createRandom } from '../../src/support/random.ts'
import { selectBackend } from '../../src/tensor/backend.ts'
import { type Tensor4D, tf } from '../../src/tensor/tf.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { type NetworkOptions, network, writeNetwork } from '../unit/interchange/fixtures.ts'
import { findTorch, isTorchRequested } from './torch.ts'

const TOLERANCE = 1e-4
const CLASSES = 1000
/** Where strides and padding show: multiples of 32, odd sides, sides that differ. */
const SIZES = [
  [224, 224],
  [225, 225],
  [193, 193],
  [97, 130],
] as const
/** The deeper networks take a minute, so `npm run test:torch` alone compares them. */
const BACKBONES = isTorchRequested
  ? (['resnet18', 'resnet50', 'resnet101', 'resnet152'] as const)
  : (['resnet18', 'resnet50'] as const)
const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 1e6))
const folder = temporaryFolder()
const torch = await findTorch()
const skip = typeof torch === 'string' ? torch : false

interface Image {
  readonly path: string
  readonly size: readonly [number, number]
  readonly bytes: Uint8Array
}

const images = SIZES.map((size, i): Image => {
  const [height, width] = size
  const random = createRandom(SEED + i)
  const bytes = Uint8Array.from({ length: height * width * 3 }, () => random.int(256))
  const path = join(folder, `${height}x${width}-${i}.rgb`)
  writeFileSync(path, bytes)
  return { path, size, bytes }
})

async function torchLogits(backbone: string, file: string): Promise<number[][]> {
  assert.ok(typeof torch !== 'string')
  return (await torch(['logits', backbone, file, String(CLASSES), ...images.map(({ path }) => path)])) as number[][]
}

async function ourLogits(checkpoint: string, options: Omit<NetworkOptions, 'classes'>): Promise<number[][]> {
  const { variables } = await loadCheckpoint(checkpoint)
  const weights = new Map([...variables].map(([name, { shape, data }]) => [name, tf.tensor(data, [...shape])]))
  const { logits } = network({ classes: CLASSES, ...options })
  const pass = createPass(weights, { training: false })
  const results = images.map(({ size, bytes }) => {
    const pixels = Float32Array.from(bytes, (byte) => (byte / 255) * 2 - 1)
    return tf.tidy(() => [...logits(pass, tf.tensor4d(pixels, [1, ...size, 3]) as Tensor4D).dataSync()])
  })
  tf.dispose([...weights.values()])
  return results
}

function assertEqual(t: TestContext, ours: readonly number[][], theirs: readonly number[][]): void {
  const apart = theirs.map((expected, i) => distance(ours[i] ?? [], expected))
  const shown = SIZES.map(([height, width], i) => `${height}×${width} ${apart[i]?.toExponential(1)}`).join(', ')
  t.diagnostic(`SEED=${SEED}; apart by, relative to the largest of ${CLASSES} logits: ${shown}`)
  assert.ok(
    apart.every((one) => one <= TOLERANCE),
    shown,
  )
}

/** The largest difference, as a part of the largest of the others. */
function distance(some: readonly number[], others: readonly number[]): number {
  const scale = Math.max(...others.map(Math.abs))
  return Math.max(...others.map((value, k) => Math.abs(value - (some[k] ?? Number.NaN)))) / scale
}

suite('networks of torchvision', { skip }, () => {
  before(async () => {
    await selectBackend('wasm', createLog({}, 'error'))
  })

  for (const backbone of BACKBONES) {
    test(`an exported ${backbone} loads strictly and gives the logits that it gives here`, async (t) => {
      const headSlices = 3
      const checkpoint = await writeNetwork(join(folder, backbone), {
        backbone,
        classes: CLASSES,
        headSlices,
        seed: SEED,
      })
      const file = join(folder, `${backbone}.safetensors`)
      await exportCheckpoint({ folder: checkpoint, out: file })
      assertEqual(t, await ourLogits(checkpoint, { backbone, headSlices }), await torchLogits(backbone, file))
    })

    test(`an imported ${backbone} with random weights and statistics gives the logits that it gives there`, async (t) => {
      assert.ok(typeof torch !== 'string')
      const file = join(folder, `${backbone}-torch.safetensors`)
      await torch(['make', backbone, file, String(CLASSES), String(SEED)])
      const { folder: checkpoint } = await importCheckpoint({ file, out: join(folder, `${backbone}-imported`) })
      assertEqual(t, await ourLogits(checkpoint, { backbone }), await torchLogits(backbone, file))
    })
  }

  test('the comparison sees another variant and another image', async (t) => {
    const backbone = 'resnet50'
    const checkpoint = await writeNetwork(join(folder, 'other'), { backbone, classes: CLASSES, seed: SEED })
    const [ours, slim] = [
      await ourLogits(checkpoint, { backbone }),
      await ourLogits(checkpoint, { backbone, variant: 'slim' }),
    ]
    const ofVariant = ours.map((one, i) => distance(slim[i] ?? [], one))
    const ofImage = ours.map((one, i) => distance(ours[(i + 1) % ours.length] ?? [], one))
    t.diagnostic(`variants are apart by at least ${Math.min(...ofVariant)}, images by ${Math.min(...ofImage)}`)
    assert.ok(Math.min(...ofVariant, ...ofImage) > 100 * TOLERANCE)
  })
})
