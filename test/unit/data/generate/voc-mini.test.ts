import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import type { Item } from '../../../../src/data/dataset.ts'
import { openDataset } from '../../../../src/data/formats.ts'
import { makeDataSet } from '../../../../src/data/generate/make-data-set.ts'
import { OBJECT_CLASSES } from '../../../../src/data/generate/object-classes.ts'
import { readMask } from '../../../../src/data/voc/mask.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { collect } from '../builders.ts'

const out = join(temporaryFolder(), 'voc')
const VOID = 255

before(() => makeDataSet('voc-mini', { out, seed: 5, sizes: { trainImages: 60, valImages: 20 } }))

async function readSet(imageSet: string) {
  const dataset = await openDataset(out, { path: '.', format: 'voc', imageSet, maxCorruptRecords: 0 })
  const names = dataset.labels.labels.map(({ name }) => name)
  const items: Item<unknown>[] = []
  for (const unit of dataset.units.keys()) items.push(...(await collect<Item<unknown>>(dataset.read(unit))))
  for (const item of items) if (item.type === 'corrupt') assert.fail(item.reason)
  return { dataset, names, items }
}

test('boxes and masks of the same images have the same ten classes, masks the background besides', async () => {
  const [boxes, masks] = [await readSet('Main/train'), await readSet('Segmentation/train')]
  assert.deepEqual(
    boxes.names,
    OBJECT_CLASSES.map(({ name }) => name.replace(' ', '-')),
  )
  assert.deepEqual(masks.names, ['background', ...boxes.names])
  assert.deepEqual([boxes.items.length, masks.items.length], [60, 60])
})

test('there are difficult and truncated objects, and those cut by an edge reach it', async () => {
  const { dataset } = await readSet('Main/train')
  assert.ok(dataset.annotates === 'objects')
  const objects = []
  for (const unit of dataset.units.keys())
    for await (const item of dataset.read(unit)) if (item.type === 'example') objects.push(...item.annotation.objects)
  assert.ok(objects.some(({ difficult }) => difficult) && objects.some(({ difficult }) => !difficult))
  const cut = objects.filter(({ truncated }) => truncated)
  assert.ok(cut.length > 0)
  for (const { box } of objects) {
    const [x, y, width, height] = box
    assert.ok(x >= 0 && y >= 0 && x + width <= 256 && y + height <= 256, String(box))
  }
})

test('every object that is not difficult has pixels of its class inside its box, and a void border', async () => {
  const { dataset } = await readSet('Main/train')
  assert.ok(dataset.annotates === 'objects')
  for await (const item of dataset.read(0)) {
    assert.ok(item.type === 'example')
    const { classes } = readMask(await readFile(join(out, 'SegmentationClass', `${item.id}.png`)), item.id)
    for (const { box, label, difficult } of item.annotation.objects) {
      const [left, top, width, height] = box
      const inside = Array.from(
        { length: width * height },
        (_, i) => classes[(top + Math.floor(i / width)) * 256 + left + (i % width)],
      )
      const count = (value: number) => inside.filter((one) => one === value).length
      assert.ok(count(VOID) > 0)
      if (!difficult)
        assert.ok(count(label + 1) > 0.1 * width * height, `${item.id}: ${count(label + 1)} of ${inside.length}`)
    }
  }
})

test('the files of single classes say in which images a class is', async () => {
  const line = /^2012_\d{6} (-1| 0| 1)$/
  const lines = (await readFile(join(out, 'ImageSets/Main/plain-ring_train.txt'), 'utf8')).trimEnd().split('\n')
  assert.equal(lines.length, 60)
  for (const one of lines) assert.match(one, line)
})
