import assert from 'node:assert/strict'
import promises, { appendFile, mkdir, symlink, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { type DataFormatName, FORMAT_NAMES } from '../../../src/contract/data-formats.ts'
import { exitCodeOf } from '../../../src/contract/exit-codes.ts'
import { type DataConfig, EXIT } from '../../../src/contract/runtime.ts'
import { encodeExample } from '../../../src/data/codecs/example.ts'
import { encodeTfRecord, readTfRecords } from '../../../src/data/codecs/tfrecord.ts'
import type { ClassLabels, Dataset, Item } from '../../../src/data/dataset.ts'
import { FORMATS, openClassDataset } from '../../../src/data/formats.ts'
import { findSets } from '../../../src/data/inspect/find-sets.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { collect, FRUIT, holdsAll, inside, png, records, writeImages, writeRecords } from './builders.ts'

const root = temporaryFolder()

async function readAll(dataset: Dataset<ClassLabels>): Promise<Item<ClassLabels>[]> {
  const units = await Promise.all(dataset.units.map((_, unit) => collect(dataset.read(unit))))
  return units.flat()
}

const idsOf = (items: readonly Item<ClassLabels>[]) =>
  items.map((item) => (item.type === 'example' ? item.id : item.where))

test('TFRecord files are units in the order of their names; other files are skipped', async () => {
  const folder = inside(root)
  const config = await writeRecords(folder, [records('a', 2), records('b', 1)])
  await writeFile(join(folder, 'README'), 'not data')
  const dataset = await openClassDataset(folder, config)
  assert.deepEqual(dataset.units, ['x-00000.tfrecord', 'x-00001.tfrecord'])
  assert.deepEqual(idsOf(await readAll(dataset)), ['a0', 'a1', 'b0'])
  assert.deepEqual(
    dataset.passedOver.map(({ kind, count, example }) => ({ kind, count, example })),
    [{ kind: 'other', count: 1, example: 'README' }],
  )
})

test('records without an image or a label, or that are no Example, are damage with file and offset', async () => {
  const folder = inside(root)
  const config = await writeRecords(folder, [[]])
  const file = join(folder, 'x-00000.tfrecord')
  const encoded = { bytes: [await png(1)] }
  const good = encodeTfRecord(encodeExample({ 'image/encoded': encoded, 'image/class/label': { ints: [2] } }))
  const broken = [
    encodeExample({ 'image/class/label': { ints: [1] } }),
    encodeExample({ 'image/encoded': encoded }),
    Buffer.from([10, 200]),
  ].map(encodeTfRecord)
  await appendFile(file, Buffer.concat([good, ...broken]))
  const items = await readAll(await openClassDataset(folder, config))
  const at = [0, 1, 2].map((i) => good.length + broken.slice(0, i).reduce((sum, bytes) => sum + bytes.length, 0))
  assert.deepEqual(
    items
      .slice(1)
      .map((item) => item.type === 'corrupt' && `${item.where}: ${item.reason}`.split(':').slice(0, 2).join(':')),
    [
      `${file} at byte ${at[0]}: no image/encoded`,
      `${file} at byte ${at[1]}: no image/class/label`,
      `${file} at byte ${at[2]}: not a tf.train.Example`,
    ],
  )
  assert.deepEqual(
    idsOf(items).slice(0, 1),
    [`${file} at byte 0`],
    'a record without an id is identified by its offset',
  )
})

test('class folders get labels in alphabetical order, and every unit has images of every class', async () => {
  const folder = inside(root)
  const names = Array.from({ length: 300 }, (_, i) => [
    `${i % 2 ? 'pear' : 'apple'}/${i}.${i % 3 ? 'png' : 'JPEG'}`,
    Buffer.alloc(1),
  ])
  const config = await writeImages(folder, Object.fromEntries([...names, ['pear/notes.txt', Buffer.alloc(1)]]))
  const dataset = await openClassDataset(folder, config)
  assert.deepEqual(
    dataset.labels.labels.map(({ name }) => name),
    ['apple', 'pear'],
  )
  assert.equal(dataset.units.length, 2)
  for (const unit of [0, 1]) {
    const items = await collect(dataset.read(unit))
    const labels = new Set(items.map((item) => item.type === 'example' && item.annotation.labels[0]))
    assert.deepEqual([...labels].sort(), [0, 1])
  }
  const items = await readAll(dataset)
  assert.equal(new Set(idsOf(items)).size, 300)
  for (const item of items) {
    assert.ok(item.type === 'example')
    assert.equal(item.annotation.labels[0], item.id.startsWith('pear/') ? 1 : 0)
  }
})

test('a labels file gives class folders their labels, and a folder that it lacks is refused', async () => {
  const folder = inside(root)
  const images = { 'tool/1.png': await png(1), 'apple/1.png': await png(2) }
  const config = { ...(await writeImages(folder, images)), labels: 'labels.json' }
  await writeFile(join(folder, 'labels.json'), JSON.stringify(FRUIT))
  const items = await readAll(await openClassDataset(folder, config))
  const labelOf = Object.fromEntries(
    items.flatMap((item) => (item.type === 'example' ? [[item.id, item.annotation.labels]] : [])),
  )
  assert.deepEqual(labelOf, { 'apple/1.png': [2], 'tool/1.png': [3] })
  await mkdir(join(folder, 'ghost'))
  await assert.rejects(openClassDataset(folder, config), {
    code: 'LABEL_UNKNOWN',
    message: /ghost: the labels file has no label/,
  })
})

test('an unreadable image is damage, and reading continues', async () => {
  const folder = inside(root)
  const config = await writeImages(folder, { 'a/1.png': await png(1) })
  await symlink('nowhere', join(folder, 'a/2.png'))
  const items = await readAll(await openClassDataset(folder, config))
  assert.deepEqual(items.map(({ type }) => type).sort(), ['corrupt', 'example'])
})

test('subsets of one seed are nested and have about their fraction; another seed gives another subset', async (t) => {
  const folder = inside(root)
  const config = await writeRecords(folder, [records('image-', 400)])
  const chosen = async (fraction: number, seed: number) => {
    const subset: DataConfig['subset'] = { fraction, seed }
    return new Set(idsOf(await readAll(await openClassDataset(folder, { ...config, subset }))))
  }
  const [small, medium, all, other] = await Promise.all([chosen(0.1, 7), chosen(0.3, 7), chosen(1, 7), chosen(0.3, 8)])
  assert.ok(holdsAll(medium, small) && holdsAll(all, medium))
  assert.equal(all.size, 400)
  assert.ok(!holdsAll(other, small))
  // Binomial, n 400: five standard deviations are 30 and 46.
  t.diagnostic(`${small.size} and ${medium.size} of 400`)
  assert.ok(Math.abs(small.size - 40) < 30 && Math.abs(medium.size - 120) < 46)
})

test('a missing or empty folder is refused with advice', async () => {
  const folder = inside(root)
  const config: DataConfig = { path: 'gone', format: 'tfrecord', maxCorruptRecords: 0 }
  await assert.rejects(openClassDataset(folder, config), {
    code: 'DATA_MISSING',
    message: /gone: no such folder; .* data make/,
  })
  await writeFile(join(folder, 'labels.json'), '[]')
  await assert.rejects(openClassDataset(folder, { ...config, path: '.' }), {
    code: 'DATA_EMPTY',
    message: /no tfrecord files here/,
  })
  await writeImages(folder, { 'a/1.png': await png(1) })
  const nothing = { ...config, path: '.', format: 'imagenet-folder' as const, subset: { fraction: 1e-9, seed: 1 } }
  await assert.rejects(openClassDataset(folder, nothing), { code: 'DATA_EMPTY', message: /in the subset of 1e-9/ })
})

for (const code of ['ESTALE', 'EIO'])
  test(`a temporary storage error (${code}) is not reported as bad data`, async (t) => {
    const folder = inside(root)
    await writeFile(join(folder, 'x.tfrecord'), 'whatever')
    const no = () => Promise.reject(Object.assign(new Error(`${code}: just now`), { code }))
    for (const call of ['stat', 'open'] as const) t.mock.method(promises, call, no)
    syncBuiltinESMExports()
    const config = { path: '.', format: 'tfrecord', maxCorruptRecords: 0 } as const
    await assert.rejects(openClassDataset(folder, config), { code })
    await assert.rejects(collect(readTfRecords(join(folder, 'x.tfrecord'))), { code })
    assert.equal(exitCodeOf(code), EXIT.storage)
    t.mock.restoreAll()
    syncBuiltinESMExports()
  })

test('the table of formats has each declared format under its own name', () => {
  assert.deepEqual(Object.keys(FORMATS), [...FORMAT_NAMES])
  for (const [name, format] of Object.entries(FORMATS)) assert.equal(format.name, name)
})

suite('detection finds the format of a data set, and none in a folder of data sets:', () => {
  const picture = Buffer.alloc(1)
  const COCO_HEAD = Buffer.from('{"info": {}, "images": []')
  const cases: [string, Record<string, Uint8Array>, DataFormatName[]][] = [
    ['shards', { 'x-00000-of-00001': picture, 'labels.json': picture }, ['tfrecord']],
    ['compressed shards, which reading refuses later', { 'x.tfrecord.gz': picture }, ['tfrecord']],
    ['class folders', { 'cat/1.png': picture, 'dog/1.png': picture }, ['imagenet-folder']],
    ['class folders of one class', { 'cat/1.png': picture }, ['imagenet-folder']],
    ['class folders with images one level deeper', { 'cat/images/1.png': picture }, ['imagenet-folder']],
    ['train and val folders with class folders', { 'train/cat/1.png': picture, 'val/cat/1.png': picture }, []],
    [
      'train and val folders with images, which reading refuses later',
      { 'train/1.png': picture, 'val/1.png': picture },
      ['imagenet-folder'],
    ],
    ['a COCO folder', { 'annotations/instances_val2017.json': COCO_HEAD, 'val2017/1.png': picture }, ['coco']],
    ['an annotations file among its pictures', { '1.png': picture, '_annotations.coco.json': COCO_HEAD }, ['coco']],
    ['JSON that is no annotations file', { 'annotations/other.json': Buffer.from('[{"images": 1}]') }, []],
    ['a VOC folder', { 'ImageSets/Main/val.txt': picture, 'JPEGImages/1.jpg': picture }, ['voc']],
    ['a folder of shards', { 'pretrain/x.tfrecord': picture }, []],
    ['system folders', { '.git/1.png': picture, '@eaDir/1.png': picture }, []],
    ['nothing', {}, []],
  ]
  for (const [what, files, expected] of cases)
    test(what, async () => {
      const folder = inside(root)
      await writeImages(folder, files)
      const found = await findSets(folder).catch(() => [])
      assert.deepEqual(
        found.filter((set) => set.folder === folder).map(({ format }) => format),
        expected,
      )
    })
})
