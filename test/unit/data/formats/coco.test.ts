import assert from 'node:assert/strict'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import type { DataConfig } from '../../../../src/contract/runtime.ts'
import type { ObjectAnnotation } from '../../../../src/data/annotations.ts'
import { decodeRuns } from '../../../../src/data/coco/rle.ts'
import type { DatasetOf, Item } from '../../../../src/data/dataset.ts'
import { openClassDataset, openDataset, openTaskDataset } from '../../../../src/data/formats.ts'
import { type CocoFile, type CocoFileAnnotation, cocoFile, writeCoco } from '../../../support/coco-files.ts'
import { drawScene, makeScenes, type Scene } from '../../../support/scenes.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { collect, inside, png } from '../builders.ts'

const root = temporaryFolder()
const CONFIG: DataConfig = { path: '.', format: 'coco', maxCorruptRecords: 0 }
const SCENES = makeScenes(6, 1)
const PICTURES = SCENES.map(drawScene)
const INSTANCES = 'annotations/instances_train2017.json'

async function open(folder: string, options: Partial<DataConfig> = {}): Promise<DatasetOf<'objects'>> {
  const dataset = await openDataset(folder, { ...CONFIG, ...options })
  assert.ok(dataset.annotates === 'objects')
  return dataset
}

async function readAll({ units, read }: DatasetOf<'objects'>): Promise<Item<ObjectAnnotation>[]> {
  return (await Promise.all(units.map((_, unit) => collect(read(unit))))).flat()
}

/** Writes scenes with annotations that a test has changed. */
async function written(change: (file: CocoFile) => void, scenes: readonly Scene[] = SCENES): Promise<string> {
  const folder = inside(root)
  await mkdir(join(folder, 'annotations'))
  await mkdir(join(folder, 'train2017'))
  for (const [i, { name }] of scenes.entries())
    await writeFile(join(folder, 'train2017', `${name}.jpg`), await (PICTURES[i] ?? png(1)))
  const file = cocoFile(scenes, 'instances')
  change(file)
  await writeFile(join(folder, INSTANCES), JSON.stringify(file))
  return folder
}

const damageOf = (items: readonly Item<ObjectAnnotation>[]) =>
  items.flatMap((item) => (item.type === 'corrupt' ? [`${item.where}: ${item.reason}`] : []))

test('objects are those of the file, in the order of its images, with labels in the order of the category ids', async () => {
  const scenes = makeScenes(20, 3, 500)
  const folder = inside(root)
  const { instances } = await writeCoco(folder, 'train2017', scenes)
  const file = cocoFile(scenes, 'instances')
  const dataset = await open(folder, { annotations: instances })
  assert.deepEqual(
    dataset.labels.labels.map(({ id, name, categoryId }) => [id, name, categoryId]),
    [
      [0, 'person', 1],
      [1, 'sheep', 20],
      [2, 'bottle', 44],
      [3, 'tv', 72],
    ],
  )
  const items = await readAll(dataset)
  assert.deepEqual(
    items.map((item) => item.type === 'example' && item.id),
    file.images.map(({ id }) => String(id)),
  )
  for (const [i, item] of items.entries()) {
    assert.ok(item.type === 'example')
    const { id, width, height, file_name } = file.images[i] as CocoFile['images'][number]
    assert.deepEqual(item.bytes, await readFile(join(folder, 'train2017', file_name)))
    const expected = file.annotations.filter(({ image_id }) => image_id === id).map(expectedObject)
    assert.deepEqual(item.annotation, { width, height, objects: expected })
  }
})

function expectedObject({ bbox, category_id, iscrowd, area, segmentation }: CocoFileAnnotation) {
  const label = [1, 20, 44, 72].indexOf(category_id)
  const given = segmentation
  const mask = Array.isArray(given)
    ? { type: 'polygons', polygons: given }
    : {
        type: 'rle',
        height: given.size[0],
        width: given.size[1],
        counts: typeof given.counts === 'string' ? decodeRuns(given.counts) : given.counts,
      }
  return { box: bbox, label, crowd: iscrowd === 1, difficult: false, area, segmentation: mask }
}

test('keypoints and their skeleton come from person_keypoints', async () => {
  const scenes = makeScenes(8, 5)
  const folder = inside(root)
  const { person_keypoints } = await writeCoco(folder, 'val2017', scenes)
  const dataset = await open(folder, { annotations: person_keypoints })
  const [person] = dataset.labels.labels
  assert.equal(person?.keypoints?.length, 17)
  assert.deepEqual(person?.skeleton?.[0], [16, 14])
  const points = (await readAll(dataset)).flatMap((item) =>
    item.type === 'example' ? item.annotation.objects.map(({ keypoints }) => keypoints) : [],
  )
  const expected = cocoFile(scenes, 'person_keypoints').annotations.map(({ keypoints }) => keypoints)
  assert.ok(expected.length > 3)
  assert.deepEqual(points, expected)
})

suite('the annotations file and the pictures are found where they usually are:', () => {
  const scenes = makeScenes(2, 1)
  const layouts: [string, (folder: string) => Promise<void>][] = [
    ['annotations/instances_SET.json and SET/', async () => {}],
    [
      'images/SET/',
      async (folder) => {
        await mkdir(join(folder, 'images'))
        await rename(join(folder, 'train2017'), join(folder, 'images/train2017'))
      },
    ],
    ['images/', (folder) => rename(join(folder, 'train2017'), join(folder, 'images'))],
    [
      'both in one folder',
      async (folder) => {
        await rename(join(folder, INSTANCES), join(folder, 'train2017/_annotations.coco.json'))
        await rm(join(folder, 'annotations'), { recursive: true })
        await rename(join(folder, 'train2017'), `${folder}-moved`)
        await rm(folder, { recursive: true })
        await rename(`${folder}-moved`, folder)
      },
    ],
  ]
  for (const [what, arrange] of layouts)
    test(what, async () => {
      const folder = await written(() => {}, scenes)
      await arrange(folder)
      assert.equal((await readAll(await open(folder))).filter(({ type }) => type === 'example').length, 2)
    })
})

test('several annotations files are refused with their names, and one can be chosen', async () => {
  const folder = inside(root)
  await writeCoco(folder, 'train2017', makeScenes(1, 1))
  await writeFile(join(folder, 'annotations/captions_train2017.json'), '{"info": {}}')
  await assert.rejects(open(folder), {
    code: 'DATA_AMBIGUOUS',
    message:
      /2 annotations files: "annotations\/instances_train2017.json", "annotations\/person_keypoints_train2017.json"/,
  })
  await open(folder, { annotations: INSTANCES })
  await assert.rejects(open(folder, { annotations: 'annotations/x.json' }), {
    code: 'DATA_MISSING',
    message: /x\.json/,
  })
  await assert.rejects(open(folder, { annotations: INSTANCES, images: 'annotations' }), {
    code: 'DATA_MISSING',
    message: /scene_000001\.jpg, are not in .*annotations; set images/,
  })
})

test('a task that learns class labels refuses boxes', async () => {
  const folder = await written(() => {})
  await assert.rejects(openClassDataset(folder, CONFIG), { code: 'DATA_ANNOTATIONS', message: /boxes of objects/ })
  await assert.rejects(openTaskDataset('masks', folder, CONFIG), {
    code: 'DATA_ANNOTATIONS',
    message: /masks of classes/,
  })
  assert.equal((await openTaskDataset('objects', folder, CONFIG)).units.length, 1)
  const labelSubset = { names: ['cat'], keepOtherLabels: false }
  await assert.rejects(openTaskDataset('objects', folder, { ...CONFIG, labelSubset }), {
    code: 'CONFIG_INVALID',
    message: /labelSubset/,
  })
})

suite('the whole file is refused with place, id and field:', () => {
  const cases: [string, (file: CocoFile) => unknown, string, RegExp][] = [
    [
      'no images',
      (file) => Reflect.deleteProperty(file, 'images'),
      'COCO_INVALID',
      /images: missing: expected an array/,
    ],
    ['an empty list of images', (file) => file.images.splice(0), 'DATA_EMPTY', /no images of a COCO annotations file/],
    ['no category', (file) => file.categories.splice(0), 'COCO_INVALID', /categories: expected one category or more/],
    [
      'an image id twice',
      ({ images }) => Object.assign(images[1] ?? {}, { id: 1 }),
      'COCO_INVALID',
      /images\[1\] \(id 1\): id: 1: expected an id of its own/,
    ],
    [
      'a category id twice',
      ({ categories }) => Object.assign(categories[1] ?? {}, { id: 1 }),
      'COCO_INVALID',
      /categories\[1\] \(id 1\): id: 1: expected an id of its own/,
    ],
    [
      'a category name twice',
      ({ categories }) => Object.assign(categories[1] ?? {}, { name: 'person' }),
      'COCO_INVALID',
      /categories\[1\] \(id 20\): name: "person": expected a name of its own/,
    ],
    [
      'an image without a name',
      ({ images }) => Reflect.deleteProperty(images[2] ?? {}, 'file_name'),
      'COCO_INVALID',
      /images\[2\] \(id 3\): file_name: missing/,
    ],
    [
      'an image outside of the folder',
      ({ images }) => Object.assign(images[2] ?? {}, { file_name: '../secret.jpg' }),
      'COCO_INVALID',
      /images\[2\] \(id 3\): file_name: "\.\.\/secret\.jpg": expected a path inside/,
    ],
    [
      'an image with a zero character in its name',
      ({ images }) => Object.assign(images[0] ?? {}, { file_name: 'a\0.jpg' }),
      'COCO_INVALID',
      /images\[0\] \(id \d+\): file_name: "a\\u0000\.jpg": expected a path inside/,
    ],
    [
      'an image without pixels',
      ({ images }) => Object.assign(images[2] ?? {}, { width: 0 }),
      'COCO_INVALID',
      /images\[2\] \(id 3\): width: 0: expected a number of pixels above 0/,
    ],
  ]
  for (const [what, change, code, message] of cases)
    test(what, async () => {
      const folder = await written(change)
      await assert.rejects(open(folder, { annotations: INSTANCES }), { code, message })
    })
})

suite('an annotation that cannot be used is damage of its image, with file, id and field:', () => {
  type Fields = Record<string, unknown>
  const square = { size: [240, 320], counts: [0, 320 * 240] }
  const cases: [string, Fields, RegExp][] = [
    ['no box', { bbox: undefined }, /bbox: missing/],
    ['no area', { area: undefined }, /area: missing/],
    ['no iscrowd', { iscrowd: undefined }, /iscrowd: missing/],
    ['an unknown category', { category_id: 2 }, /category_id: 2: expected an id of categories/],
    ['a negative width', { bbox: [1, 1, -4, 4] }, /bbox: \[1,1,-4,4\]: expected \[x, y, width, height\]/],
    ['a box of three numbers', { bbox: [1, 1, 4] }, /bbox: \[1,1,4\]: expected 4 numbers/],
    ['a box of texts', { bbox: ['1', '1', '4', '4'] }, /bbox/],
    ['a negative area', { area: -1 }, /area: -1: expected a number of 0 or more/],
    ['a crowd of 2', { iscrowd: 2 }, /iscrowd: 2: expected 0 or 1/],
    ['a polygon of two points', { segmentation: [[1, 1, 2, 2]] }, /segmentation: .*three points or more; number 0/],
    ['half a point', { segmentation: [[1, 1, 2, 2, 3, 3, 4]] }, /segmentation: .*three points or more/],
    ['polygons without a list', { segmentation: [1, 1, 2, 2, 3, 3] }, /segmentation: .*number 0 is none/],
    ['a mask of another size', { segmentation: { ...square, size: [320, 240] } }, /size \[240, 320\], the height and/],
    [
      'counts of too many pixels',
      { segmentation: { ...square, counts: [0, 76801] } },
      /240·320 = 76800 pixels; they have 76801/,
    ],
    ['a negative count', { segmentation: { ...square, counts: [-1, 76801] } }, /counts as a list of whole numbers/],
    ['compressed counts of too few pixels', { segmentation: { ...square, counts: '01' } }, /they have 1/],
    [
      'compressed counts with an end cut off',
      { segmentation: { ...square, counts: '0P' } },
      /the number at character 1 has no end/,
    ],
    [
      'compressed counts with other characters',
      { segmentation: { ...square, counts: '0!' } },
      /character 1 is not one/,
    ],
    ['no counts', { segmentation: { size: [240, 320] } }, /counts as a list/],
    ['a segmentation that is a number', { segmentation: 3 }, /segmentation: 3: expected a list of polygons/],
    ['keypoints in twos', { keypoints: [1, 2] }, /keypoints: \[1,2\]: expected three numbers a keypoint/],
    ['a visibility of 3', { keypoints: [1, 2, 3] }, /0, 1 or 2 for the visibility/],
    ['the id of another annotation', { id: 101 }, /id: 101: expected an id of its own/],
  ]
  for (const [what, fields, message] of cases)
    test(what, async () => {
      const folder = await written(({ annotations, images }) => {
        assert.deepEqual([images[0]?.height, images[0]?.width], [240, 320])
        Object.assign(annotations[0] ?? {}, fields)
      })
      const items = await readAll(await open(folder))
      const [damage, ...more] = damageOf(items)
      assert.deepEqual(more, [])
      assert.match(damage ?? '', message)
      assert.match(damage ?? '', /instances_train2017\.json: annotations\[\d\] \(id \d+\): .* \(image 1\)$/)
      assert.equal(items.filter(({ type }) => type === 'example').length, 5, 'the other images are read')
    })
})

test('annotations without an image of the file are damage of the first unit', async () => {
  const folder = await written(({ annotations }) => {
    Object.assign(annotations[0] ?? {}, { image_id: 99 })
    Object.assign(annotations[1] ?? {}, { image_id: undefined })
    annotations.push(null as never)
  })
  const items = await readAll(await open(folder))
  const damage = damageOf(items).map((text) => text.slice(text.indexOf('annotations[')))
  assert.deepEqual(damage.map((text) => text.replace(/\[\d+\]( \(id \d+\))?/, '')).sort(), [
    'annotations: image_id: 99: expected an id of images',
    'annotations: image_id: missing: expected a whole number',
    'annotations: null: expected an object',
  ])
  assert.equal(items.filter(({ type }) => type === 'example').length, 6)
})

test('pictures that do not exist, do not decode or have another size are damage with file and id', async () => {
  const folder = await written(() => {})
  const picture = (id: number) => join(folder, `train2017/scene_00000${id}.jpg`)
  await rm(picture(2))
  await writeFile(picture(3), 'hello')
  await writeFile(picture(4), await png(1, 5, 7))
  await writeFile(picture(5), '')
  const damage = damageOf(await readAll(await open(folder)))
  assert.equal(damage.length, 4)
  assert.match(damage[0] ?? '', /scene_000002\.jpg: image 2: cannot be read: ENOENT/)
  assert.match(damage[1] ?? '', /scene_000003\.jpg: image 3: Input buffer contains unsupported image format/)
  assert.match(damage[2] ?? '', /scene_000004\.jpg: image 4: the picture has 5×7 pixels: expected \d+×\d+/)
  assert.match(damage[3] ?? '', /scene_000005\.jpg: image 5: it is empty/)
})

test('what pycocotools takes is read: boxes beyond the picture, areas of 0, empty masks, crowds of true', async () => {
  const odd = { bbox: [-5, -5, 900, 0], area: 0, segmentation: [], iscrowd: true }
  const folder = await written(({ annotations }) => Object.assign(annotations[0] ?? {}, odd))
  const [first] = await readAll(await open(folder))
  assert.ok(first?.type === 'example')
  const [object] = first.annotation.objects
  assert.deepEqual(object, { box: [-5, -5, 900, 0], label: object?.label, crowd: true, difficult: false, area: 0 })
})

test('a file that is written while it is in use is refused', async () => {
  const folder = await written(() => {})
  const dataset = await open(folder)
  await writeFile(join(folder, INSTANCES), `${await readFile(join(folder, INSTANCES), 'utf8')} `)
  await assert.rejects(readAll(dataset), { code: 'DATA_CHANGED', message: /instances_train2017\.json/ })
})

test('the classes of a job number the labels, matched by name', async () => {
  const dataset = await open(await written(() => {}))
  const names = ['zebra', 'tv', 'bottle', 'person', 'sheep']
  const job = dataset.withClasses(names.map((name, id) => ({ id, name, parents: [] })))
  for (const item of await readAll(dataset)) {
    assert.ok(item.type === 'example')
    const own = item.annotation.objects.map(({ label }) => dataset.labels.labels[label]?.name)
    assert.deepEqual(
      job.interpret(item.annotation).objects.map(({ label }) => names[label]),
      own,
    )
  }
  assert.throws(() => dataset.withClasses([{ id: 0, name: 'tv', parents: [] }]), { code: 'CLASS_UNKNOWN' })
})

test('a subset has some of the images, and units are ranges of them', async () => {
  const scenes = makeScenes(1, 1).flatMap((scene) =>
    Array.from({ length: 600 }, (_, i) => ({ ...scene, id: i + 1, objects: [] })),
  )
  const folder = await written(() => {}, scenes)
  assert.deepEqual((await open(folder)).units, ['images-0', 'images-1', 'images-2'])
  const some = await readAll(await open(folder, { subset: { fraction: 0.2, seed: 1 } }))
  // Binomial, n 600: five standard deviations are 49.
  assert.ok(Math.abs(some.length - 120) < 49, `${some.length}`)
})

test('the ids of images are known without reading them, and pictures that are not wanted are not opened', async () => {
  const folder = await written(() => {})
  const dataset = await open(folder)
  const ids = dataset.ids?.(0) ?? []
  assert.deepEqual(
    ids,
    (await readAll(dataset)).map((item) => item.type === 'example' && item.id),
  )
  await rm(join(folder, 'train2017/scene_000002.jpg'))
  const items = await Array.fromAsync(dataset.read(0, (id) => id !== '2'))
  assert.deepEqual(
    items.map((item) => item.type === 'example' && item.id),
    ids.filter((id) => id !== '2'),
  )
})
