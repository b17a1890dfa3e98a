import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import sharp from 'sharp'
import type { AnnotatedObject, ObjectAnnotation } from '../../../../src/data/annotations.ts'
import { maskOfPolygons } from '../../../../src/data/coco/polygon-mask.ts'
import type { Encoded } from '../../../../src/data/dataset.ts'
import { openDataset } from '../../../../src/data/formats.ts'
import { categoryIdOf } from '../../../../src/data/generate/coco-mini.ts'
import { makeDataSet } from '../../../../src/data/generate/make-data-set.ts'
import { OBJECT_CLASSES } from '../../../../src/data/generate/object-classes.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { collect } from '../builders.ts'

const out = join(temporaryFolder(), 'coco')
const SIZES = { trainImages: 120, valImages: 30 }
let train: Encoded<ObjectAnnotation>[]
let val: Encoded<ObjectAnnotation>[]

async function examplesOf(set: string): Promise<Encoded<ObjectAnnotation>[]> {
  const opened = await openDataset(out, {
    path: '.',
    format: 'coco',
    annotations: `annotations/instances_${set}.json`,
    maxCorruptRecords: 0,
  })
  assert.ok(opened.annotates === 'objects')
  const items = (await Promise.all(opened.units.map((_, unit) => collect(opened.read(unit))))).flat()
  return items.map((item) => (item.type === 'example' ? item : assert.fail(item.reason)))
}

before(async () => {
  await makeDataSet('coco-mini', { out, seed: 8, sizes: SIZES })
  train = await examplesOf('train')
  val = await examplesOf('val')
})

const objectsOf = (examples: readonly Encoded<ObjectAnnotation>[]): AnnotatedObject[] =>
  examples.flatMap(({ annotation }) => annotation.objects)

test('every image has objects, and no image is in both sets', () => {
  assert.deepEqual([train.length, val.length], [SIZES.trainImages, SIZES.valImages])
  for (const { annotation } of [...train, ...val]) {
    const single = annotation.objects.filter(({ crowd }) => !crowd)
    assert.ok(single.length >= 1 && single.length <= 4)
  }
  const ids = [...train, ...val].map(({ id }) => id)
  assert.equal(new Set(ids).size, ids.length)
})

test('the ids of the ten categories have gaps', async () => {
  const file = JSON.parse(await readFile(join(out, 'annotations/instances_train.json'), 'utf8'))
  const ids = file.categories.map(({ id }: { id: number }) => id)
  assert.deepEqual(
    ids,
    OBJECT_CLASSES.map((_, kind) => categoryIdOf(kind)),
  )
  assert.ok(Math.max(...ids) > ids.length && new Set(ids).size === ids.length)
})

test("objects of each of COCO's sizes exist, and crowds with run lengths", () => {
  const areas = objectsOf(train).map(({ area }) => area)
  assert.ok(areas.some((area) => area < 32 ** 2))
  assert.ok(areas.some((area) => area > 32 ** 2 && area < 96 ** 2))
  assert.ok(areas.some((area) => area > 96 ** 2))
  const crowds = objectsOf(train).filter(({ crowd }) => crowd)
  assert.ok(crowds.length > 0)
  for (const { segmentation } of crowds) assert.equal(segmentation?.type, 'rle')
})

test('boxes are inside the picture, and enclose polygons with the area of the annotation', () => {
  for (const { box, segmentation, area, crowd } of objectsOf([...train, ...val])) {
    const [x, y, width, height] = box
    assert.ok(x >= 0 && y >= 0 && x + width <= 256.01 && y + height <= 256.01 && width > 4 && height > 4, String(box))
    if (crowd || segmentation?.type !== 'polygons') continue
    const mask = maskOfPolygons(segmentation.polygons, 256, 256)
    assert.equal(
      mask.reduce((sum, value) => sum + value, 0),
      area,
    )
    assert.ok(area <= width * height)
  }
})

test('all classes have one colour', async () => {
  const hues = OBJECT_CLASSES.map((): number[] => [])
  for (const { bytes, annotation } of train.slice(0, 60)) {
    const { data } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true })
    for (const { segmentation, label, crowd } of annotation.objects) {
      if (crowd || segmentation?.type !== 'polygons') continue
      const mask = maskOfPolygons(segmentation.polygons, 256, 256)
      hues[label]?.push(meanViolet(data, mask))
    }
  }
  for (const [kind, values] of hues.entries()) {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    assert.ok(mean > 0.6, `${OBJECT_CLASSES[kind]?.name}: only ${mean} of its pixels are violet`)
  }
})

/** The share of pixels with less green than red and blue. */
function meanViolet(rgb: Buffer, mask: Uint8Array): number {
  let [violet, all] = [0, 0]
  mask.forEach((inside, i) => {
    if (!inside) return
    all++
    const [red, green, blue] = rgb.subarray(3 * i, 3 * i + 3) as unknown as [number, number, number]
    if (green < red && green < blue) violet++
  })
  return violet / all
}
