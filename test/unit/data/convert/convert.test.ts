import assert from 'node:assert/strict'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import type { AnnotationKind } from '../../../../src/contract/data-formats.ts'
import type { DataConfig } from '../../../../src/contract/runtime.ts'
import { decodeExample } from '../../../../src/data/codecs/example.ts'
import { floatsOf, intsOf, textOf } from '../../../../src/data/codecs/features.ts'
import { readTfRecords } from '../../../../src/data/codecs/tfrecord.ts'
import type { ConvertOptions } from '../../../../src/data/convert/conversion.ts'
import { convertData } from '../../../../src/data/convert/convert.ts'
import type { AnnotationKinds, Item } from '../../../../src/data/dataset.ts'
import { openDataset } from '../../../../src/data/formats.ts'
import { findSets } from '../../../../src/data/inspect/find-sets.ts'
import { readMask } from '../../../../src/data/voc/mask.ts'
import { type CocoFile, cocoFile, writeCoco } from '../../../support/coco-files.ts'
import { makeScenes } from '../../../support/scenes.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { writeVoc } from '../../../support/voc-files.ts'
import { collect, FRUIT, inside, png, records, writeImages, writeRecords } from '../builders.ts'
import { tarOf, writeTars } from '../webdataset/builders.ts'
import { filesIn, OPTIONS } from './builders.ts'

const root = temporaryFolder()
const SCENES = makeScenes(12, 5)

async function read<K extends AnnotationKind>(folder: string, config: Partial<DataConfig>, kind: K) {
  const dataset = await openDataset(folder, { path: '.', format: 'tfrecord', maxCorruptRecords: 0, ...config })
  assert.equal(dataset.annotates, kind)
  const items = (await Promise.all(dataset.units.map((_, unit) => collect<unknown>(dataset.read(unit))))).flat()
  return { labels: dataset.labels.labels, items: items as Item<AnnotationKinds[K]>[] }
}

function examples<A>(items: readonly Item<A>[]) {
  return items.map((item) => {
    assert.ok(item.type === 'example', item.type === 'corrupt' ? `${item.where}: ${item.reason}` : '')
    return item
  })
}

async function cocoFolder(change: (file: CocoFile) => void = () => {}): Promise<ConvertOptions> {
  const folder = inside(root)
  const { instances } = await writeCoco(folder, 'train2017', SCENES)
  const file = cocoFile(SCENES, 'instances')
  change(file)
  await writeFile(join(folder, instances), JSON.stringify(file))
  const out = join(inside(root), 'records')
  return { ...OPTIONS, folder, format: 'coco', formatOptions: { annotations: instances }, out, name: 'train' }
}

suite('COCO', () => {
  test('objects are read from the records as from the annotations file, to a thousandth of a pixel', async () => {
    const options = { ...(await cocoFolder()), size: { imagesPerShard: 5 }, masks: true }
    const { format, shards, counts } = await convertData(options)
    assert.deepEqual([format, shards], ['tfrecord-detection', 3])
    assert.deepEqual(await findSets(options.out), [{ folder: options.out, format: 'tfrecord-detection' }])
    const source = await read(options.folder, { format: 'coco', ...options.formatOptions }, 'objects')
    const records = await read(options.out, { format: 'tfrecord-detection' }, 'objects')
    assert.deepEqual(records.labels, source.labels)
    const [before, after] = [examples(source.items), examples(records.items)]
    assert.deepEqual(
      after.map(({ id, bytes }) => [id, Buffer.from(bytes)]),
      before.map(({ id, bytes }) => [id, Buffer.from(bytes)]),
    )
    let objects = 0
    before.forEach(({ annotation }, i) => {
      const kept = annotation.objects.filter(({ box: [x, y, w, h] }) => {
        return w > 0 && h > 0 && x >= 0 && y >= 0 && x + w <= annotation.width && y + h <= annotation.height
      })
      const read = after[i]?.annotation.objects ?? []
      objects += read.length
      assert.deepEqual(
        read.map(({ label, crowd }) => [label, crowd]),
        kept.map(({ label, crowd }) => [label, crowd]),
      )
      read.forEach(({ box }, j) => {
        assert.ok(box.every((value, k) => Math.abs(value - (kept[j]?.box[k] as number)) < 1e-3))
      })
      assert.ok(read.every(({ segmentation }) => segmentation?.type === 'rle'))
    })
    assert.ok(objects > 10)
    assert.deepEqual([counts.images, counts.objects, counts.withMask], [SCENES.length, objects, objects])
  })

  test('records store the official ids, whose gaps labels.json keeps', async () => {
    const options = await cocoFolder()
    await convertData(options)
    const labels = JSON.parse(await readFile(join(options.out, 'labels.json'), 'utf8'))
    assert.deepEqual(
      labels.map(({ id, categoryId }: { id: number; categoryId: number }) => [id, categoryId]),
      [
        [0, 1],
        [1, 20],
        [2, 44],
        [3, 72],
      ],
    )
    const [first] = await collect(readTfRecords(join(options.out, 'train-00000-of-00001')))
    assert.ok(first?.type === 'record')
    const features = decodeExample(first.data)
    const ids = intsOf(features['image/object/class/label']) ?? []
    assert.ok(ids.length > 0 && ids.every((id) => [1, 20, 44, 72].includes(id)))
    const scene = SCENES[0]
    assert.equal(textOf(features['image/source_id']), String(scene?.id))
    assert.equal(textOf(features['image/filename']), `${scene?.name}.jpg`)
    assert.equal(textOf(features['image/format']), 'jpeg')
    assert.ok(!('image/object/mask' in features), 'masks are written only on request')
  })

  test('boxes without area, and boxes beyond the picture, are left out and counted', async () => {
    const boxes = (width: number, height: number) => [
      [1, 1, 0, 5],
      [1, 1, 5, 0],
      [-0.5, 1, 5, 5],
      [1, -0.5, 5, 5],
      [width - 4, 1, 4.01, 5],
      [1, height - 4, 5, 4.01],
      [0, 0, width, height],
    ]
    const options = await cocoFolder((file) => {
      const [image] = file.images
      const [annotation] = file.annotations
      assert.ok(image && annotation)
      const id = (i: number) => 9000 + i
      file.annotations = boxes(image.width, image.height).map((bbox, i) => ({
        ...annotation,
        id: id(i),
        image_id: image.id,
        bbox,
      }))
    })
    const { counts } = await convertData(options)
    assert.deepEqual([counts.objects, counts.withoutArea, counts.outside], [1, 2, 4])
    const { items } = await read(options.out, { format: 'tfrecord-detection' }, 'objects')
    assert.deepEqual(
      examples(items).map(({ annotation }) => annotation.objects.length),
      [1, ...SCENES.slice(1).map(() => 0)],
    )
  })

  test('keypoints keep their places and their visibility', async () => {
    const options = await cocoFolder()
    const annotations = 'annotations/person_keypoints_train2017.json'
    const { counts } = await convertData({ ...options, formatOptions: { annotations } })
    assert.ok(counts.withKeypoints > 0)
    const source = await read(options.folder, { format: 'coco', annotations }, 'objects')
    const records = await read(options.out, { format: 'tfrecord-detection' }, 'objects')
    const keypoints = (items: typeof source.items) =>
      examples(items).flatMap(({ annotation }) => annotation.objects.flatMap((one) => one.keypoints ?? []))
    const [before, after] = [keypoints(source.items), keypoints(records.items)]
    assert.equal(after.length, before.length)
    assert.ok(after.every((value, i) => Math.abs(value - (before[i] as number)) < 1e-3))
  })
})

suite('VOC', () => {
  const vocFolder = async (imageSet: string): Promise<ConvertOptions> => {
    const folder = inside(root)
    await writeVoc(folder, 'train', SCENES)
    return { ...OPTIONS, folder, format: 'voc', formatOptions: { imageSet }, out: join(inside(root), 'out') }
  }

  test('boxes, with what is difficult and truncated', async () => {
    const options = await vocFolder('Main/train')
    const { format } = await convertData(options)
    assert.equal(format, 'tfrecord-detection')
    const source = await read(options.folder, { format: 'voc', imageSet: 'Main/train' }, 'objects')
    const records = await read(options.out, { format: 'tfrecord-detection' }, 'objects')
    const facts = ({ items }: typeof source) =>
      examples(items).map(({ annotation: { objects } }) =>
        objects.map(({ label, difficult, truncated }) => [label, difficult, truncated]),
      )
    assert.deepEqual(facts(records), facts(source))
    assert.ok(facts(records).flat().length > 10)
    const [label] = facts(records).flat().flat()
    const number = records.labels[label as number]?.categoryId
    assert.equal(number, (label as number) + 1, 'VOC numbers its classes from 1')
  })

  test('masks, as grey pictures of class indices', async () => {
    const options = await vocFolder('Segmentation/train')
    const { format, counts } = await convertData(options)
    assert.deepEqual([format, counts.images], ['tfrecord-segmentation', SCENES.length])
    const source = await read(options.folder, { format: 'voc', imageSet: 'Segmentation/train' }, 'masks')
    const records = await read(options.out, { format: 'tfrecord-segmentation' }, 'masks')
    const masks = ({ items }: typeof source) =>
      examples(items).map(({ annotation: { png: mask } }) => readMask(mask, 'mask').classes)
    assert.deepEqual(masks(records), masks(source))
    assert.deepEqual(records.labels, source.labels)
  })
})

suite('class labels', () => {
  test('of class folders', async () => {
    const folder = inside(root)
    await writeImages(folder, { 'ant/1.png': await png(1), 'ant/2.png': await png(2), 'bee/1.png': await png(3) })
    const out = join(inside(root), 'out')
    await convertData({ ...OPTIONS, folder, format: 'imagenet-folder', out, size: { shards: 2 } })
    const { items, labels } = await read(out, {}, 'classes')
    const stored = examples(items).map(({ id, annotation }) => [id, labels[annotation.labels[0] as number]?.name])
    assert.deepEqual(stored.sort(), [
      ['ant/1.png', 'ant'],
      ['ant/2.png', 'ant'],
      ['bee/1.png', 'bee'],
    ])
  })

  test('of WebDataset shards and of TFRecords, whose ids are kept', async () => {
    const folder = inside(root)
    const picture = await png(4)
    const members = [0, 1, 2].flatMap((i) => [[`${i}.png`, picture] as const, [`${i}.cls`, '3'] as const])
    await writeTars(folder, { 'x-0.tar': await tarOf(members), 'x-1.tar': await tarOf(members) }, FRUIT)
    const [first, second] = [join(inside(root), 'out'), join(inside(root), 'out')]
    await convertData({ ...OPTIONS, folder, format: 'webdataset', out: first })
    await convertData({ ...OPTIONS, folder: first, format: 'tfrecord', out: second, name: 'again' })
    for (const out of [first, second]) {
      const { items } = await read(out, {}, 'classes')
      assert.deepEqual(
        examples(items).map(({ id, annotation }) => [id, annotation.labels]),
        [0, 1].flatMap((shard) => [0, 1, 2].map((i) => [`x-${shard}.tar/${i}`, [3]])),
      )
    }
  })

  test('a label that is not in the labels file ends the conversion', async () => {
    const folder = inside(root)
    await writeRecords(folder, [records('a', 1, [9])])
    const out = join(inside(root), 'out')
    await assert.rejects(convertData({ ...OPTIONS, folder, format: 'tfrecord', out }), {
      code: 'LABEL_UNKNOWN',
      message: /x-00000\.tfrecord at byte 0: label 9 is not in/,
    })
  })
})

suite('damaged and missing pictures', () => {
  const damaged = async () => {
    const options = await cocoFolder()
    const [first, second] = SCENES
    await rm(join(options.folder, 'train2017', `${first?.name}.jpg`))
    const path = join(options.folder, 'train2017', `${second?.name}.jpg`)
    // The size in the header is right; the pixels end too early.
    const whole = await readFile(path)
    await writeFile(path, whole.subarray(0, whole.length - 200))
    return options
  }

  test('end the conversion, with file, image and reason', async () => {
    const options = await damaged()
    await assert.rejects(convertData(options), {
      code: 'BAD_DATA',
      message: /\.jpg: image \d+: .*no such file.*; this is damaged image 1, and --max-corrupt is 0$/,
    })
    assert.deepEqual((await readdir(options.out)).sort(), ['conversion.json', 'labels.json'])
  })

  test('are left out and counted up to --max-corrupt', async () => {
    const options = await damaged()
    await assert.rejects(convertData({ ...options, maxCorrupt: 1 }), { code: 'BAD_DATA', message: /damaged image 2/ })
    const found: string[] = []
    const onDamage = (where: string, reason: string) => found.push(`${where}: ${reason}`)
    const { counts } = await convertData({ ...options, maxCorrupt: 2, onDamage })
    assert.deepEqual([counts.images, counts.damaged, found.length], [SCENES.length - 2, 2, 2])
    assert.match(found[1] as string, new RegExp(`${SCENES[1]?.name}\\.jpg: image ${SCENES[1]?.id}: `))
    const { items } = await read(options.out, { format: 'tfrecord-detection' }, 'objects')
    assert.equal(items.length, SCENES.length - 2)
  })
})

suite('shards', () => {
  const tenImages = async (size: ConvertOptions['size'], name = 'ten') => {
    const folder = inside(root)
    await writeRecords(folder, [records('a', 7), records('b', 3)])
    const out = join(inside(root), 'out')
    await convertData({ ...OPTIONS, folder, format: 'tfrecord', out, size, name })
    return out
  }
  const countsOf = async (out: string) => {
    const names = Object.keys(await filesIn(out)).filter((name) => name.includes('-of-'))
    const counts = await Promise.all(names.map(async (name) => (await collect(readTfRecords(join(out, name)))).length))
    return names.map((name, i) => `${name} ${counts[i]}`)
  }

  test('differ by one image at most, in the order of the source', async () => {
    const three = ['ten-00000-of-00003 3', 'ten-00001-of-00003 3', 'ten-00002-of-00003 4']
    assert.deepEqual(await countsOf(await tenImages({ shards: 3 })), three)
    assert.deepEqual(await countsOf(await tenImages({ imagesPerShard: 4 })), three)
    const { items } = await read(await tenImages({ shards: 4 }), {}, 'classes')
    assert.deepEqual(
      examples(items).map(({ id }) => id),
      [0, 1, 2, 3, 4, 5, 6].map((i) => `a${i}`).concat(['b0', 'b1', 'b2']),
    )
  })

  test('more of them than images, and names that no reader takes for shards, are refused', async () => {
    await assert.rejects(tenImages({ shards: 11 }), { code: 'CONVERT_SHARDS', message: /11 shards of 10 images/ })
    for (const name of ['a/b', '.a', 'temp-a', 'a.npz', '', 'ä'])
      await assert.rejects(tenImages({}, name), { code: 'CONVERT_NAME' })
  })

  test('are not written into what is read, or beside files of others', async () => {
    const options = await cocoFolder()
    const refused = (out: string, code: string) => assert.rejects(convertData({ ...options, out }), { code })
    await refused(options.folder, 'DATA_OUT_UNUSABLE')
    await refused(join(options.folder, 'train2017/records'), 'DATA_OUT_UNUSABLE')
    const taken = inside(root)
    await writeFile(join(taken, 'labels.json'), 'mine')
    await refused(taken, 'DATA_OUT_NOT_EMPTY')
    await refused(join(taken, 'labels.json'), 'DATA_OUT_UNUSABLE')
    assert.equal(await readFile(join(taken, 'labels.json'), 'utf8'), 'mine')
    await convertData({ ...options, out: join(options.folder, 'records') })
  })

  test('of a picture: floats of 32 bits', async () => {
    const options = await cocoFolder()
    await convertData(options)
    for await (const item of readTfRecords(join(options.out, 'train-00000-of-00001'))) {
      assert.ok(item.type === 'record')
      const shares = floatsOf(decodeExample(item.data)['image/object/bbox/xmax']) ?? []
      assert.ok(shares.every((share) => share > 0 && share <= 1))
    }
  })
})
