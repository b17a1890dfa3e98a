import assert from 'node:assert/strict'
import { test } from 'node:test'
import sharp from 'sharp'
import type { MaskAnnotation } from '../../../../src/data/annotations.ts'
import type { Dataset } from '../../../../src/data/dataset.ts'
import { openDataset } from '../../../../src/data/formats.ts'
import { encodeMask } from '../../../../src/data/voc/mask.ts'
import { evaluationBatches, trainingBatches } from '../../../../src/input/batches.ts'
import { CorruptionCount } from '../../../../src/input/corruption-count.ts'
import { createExampleReader } from '../../../../src/input/examples.ts'
import { createRandom } from '../../../../src/support/random.ts'
import { createInput } from '../../../../src/tasks/voc-segmentation/input.ts'
import { makeScenes } from '../../../support/scenes.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { classMask, writeVoc } from '../../../support/voc-files.ts'
import { epochs, ListedLeases } from '../../input/builders.ts'

const VOID = 255
const folder = temporaryFolder()
/** 320×240 and 240×320 pixels. */
const scenes = makeScenes(6, 3)

async function openScenes() {
  await writeVoc(folder, 'train', scenes)
  const data = { path: '.', format: 'voc', imageSet: 'Segmentation/train', maxCorruptRecords: 0 } as const
  return (await openDataset(folder, data)) as Dataset<MaskAnnotation>
}

const readerOf = async (input: ReturnType<typeof createInput>) =>
  createExampleReader(await openScenes(), input.decode, new CorruptionCount(0))

test('a VOC folder becomes training batches of crops with their masks, the same ones for the same seed', async () => {
  const input = createInput({ maxSidePixels: 80, cropPixels: 65 })
  const batches = async () => {
    const leases = new ListedLeases(epochs(1, 2))
    return await Array.fromAsync(trainingBatches(await readerOf(input), input, 4, 5, leases))
  }
  const made = await batches()
  assert.equal(made.length, 3)
  for (const { images, shape, targets } of made) {
    assert.deepEqual(shape, [4, 65, 65])
    assert.ok(images.every((value) => value >= -1 && value <= 1))
    for (const { classes, height, width, seen } of targets) {
      assert.deepEqual([height, width, seen, classes.length], [65, 65, { height: 65, width: 65 }, 65 * 65])
      assert.ok(classes.every((one) => one <= 20 || one === VOID))
    }
  }
  assert.ok(made.some(({ targets }) => targets.some(({ classes }) => classes.some((one) => one > 0 && one < VOID))))
  assert.deepEqual(await batches(), made)
})

test('evaluation sees whole pictures, padded to sides of 64·k + 1, with the mask in pixels of the file', async () => {
  const input = createInput({ maxSidePixels: 80 })
  const batches = await Array.fromAsync(evaluationBatches(await readerOf(input), input, 2))
  const masks = new Map<string, Uint8Array>()
  for (const { shape, targets, ids } of batches) {
    assert.deepEqual(shape.slice(1).toSorted(), [129, 65])
    targets.forEach(({ classes, height, width, seen }, i) => {
      assert.deepEqual([height, width], [seen.height * 4, seen.width * 4])
      assert.equal(Math.max(seen.height, seen.width), 80)
      masks.set(ids[i] as string, classes)
    })
  }
  for (const scene of scenes) assert.deepEqual(masks.get(scene.name), classMask(scene), scene.name)
})

function example(mask: { width: number; height: number }, picture: { width: number; height: number }) {
  const { width, height } = mask
  const png = encodeMask({ width, height, classes: new Uint8Array(width * height) })
  const rgb = new Uint8Array(picture.width * picture.height * 3)
  return { id: 'a', picture: { ...picture, rgb }, annotation: { width, height, png } }
}

test('a mask of another size than its picture is refused, in training and evaluation', () => {
  const input = createInput({})
  const wrong = example({ width: 40, height: 30 }, { width: 30, height: 40 })
  const refused = {
    code: 'BAD_DATA',
    message: /^image a: its mask has 40×30 pixels, and the picture has another size$/,
  }
  assert.throws(() => [...input.train(wrong, createRandom(1))], refused)
  assert.throws(() => [...input.evaluate(wrong)], refused)
})

test('pictures of one pixel, and far smaller or longer than the crop, give whole samples', () => {
  const input = createInput({ cropPixels: 65 })
  for (const size of [
    { width: 1, height: 1 },
    { width: 3, height: 2 },
    { width: 513, height: 1 },
  ]) {
    const [cropped] = [...input.train(example(size, size), createRandom(1))]
    const [whole] = [...input.evaluate(example(size, size))]
    for (const sample of [cropped, whole]) {
      assert.ok(sample)
      const into = new Float32Array(sample.size.height * sample.size.width * 3).fill(Number.NaN)
      sample.draw(into, 0)
      assert.ok(!into.some(Number.isNaN), JSON.stringify(size))
    }
    assert.ok((cropped?.target.classes.indexOf(0) ?? -1) >= 0, 'the picture is in the crop')
  }
})

test('a large picture is scaled down by its longer side, and none is enlarged or rotated', async () => {
  const { decode } = createInput({ maxSidePixels: 50 })
  const sized = async (width: number, height: number) => {
    const created = sharp({ create: { width, height, channels: 3, background: 'red' } })
    const { width: across, height: down } = await decode(
      await created.withMetadata({ orientation: 6 }).jpeg().toBuffer(),
    )
    return [across, down]
  }
  assert.deepEqual(await sized(100, 60), [50, 30])
  assert.deepEqual(await sized(60, 100), [30, 50])
  assert.deepEqual(await sized(30, 20), [30, 20])
  assert.deepEqual(await sized(1000, 1), [50, 1])
})

test('input that makes no sample is refused', () => {
  for (const given of [{ cropPixels: 0 }, { minScale: 2 }, { maxScale: 0.5 }, { resizePixels: 64 }])
    assert.throws(() => createInput(given), { code: 'CONFIG_INVALID' }, JSON.stringify(given))
})
