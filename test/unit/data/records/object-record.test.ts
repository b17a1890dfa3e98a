import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { AnnotatedObject, ObjectAnnotation } from '../../../../src/data/annotations.ts'
import { encodeExample, type Features } from '../../../../src/data/codecs/example.ts'
import { bytes, floats, ints, texts } from '../../../../src/data/codecs/features.ts'
import { encodeTfRecord } from '../../../../src/data/codecs/tfrecord.ts'
import type { Item } from '../../../../src/data/dataset.ts'
import { openDataset } from '../../../../src/data/formats.ts'
import { findSets } from '../../../../src/data/inspect/find-sets.ts'
import type { Label } from '../../../../src/data/labels.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { collect, FRUIT, inside, png, records, writeRecords } from '../builders.ts'
import { ANIMALS, anyObject, HEIGHT, KEYPOINTS, objectRecord, WIDTH } from './builders.ts'

const root = temporaryFolder()
const picture = await png(9, WIDTH, HEIGHT)
const small = await png(1, 3, 3)
const config = { path: '.', format: 'tfrecord-detection', maxCorruptRecords: 0 } as const

async function read(record: Uint8Array, labels: readonly Label[] = ANIMALS): Promise<Item<ObjectAnnotation>> {
  const folder = inside(root)
  await writeFile(join(folder, 'labels.json'), JSON.stringify(labels))
  await writeFile(join(folder, 'a-00000-of-00001'), record)
  const dataset = await openDataset(folder, config)
  assert.ok(dataset.annotates === 'objects')
  const [item] = await collect(dataset.read(0))
  assert.ok(item)
  return item
}

async function readObjects(record: Uint8Array, labels = ANIMALS): Promise<ObjectAnnotation> {
  const item = await read(record, labels)
  assert.ok(item.type === 'example', item.type === 'corrupt' ? item.reason : '')
  return item.annotation
}

/** Shares are 32-bit floats. */
function near(actual: readonly number[] | undefined, expected: readonly number[]): void {
  assert.equal(actual?.length, expected.length)
  const isNear = actual?.every((value, i) => Math.abs(value - (expected[i] as number)) < 1e-4)
  assert.ok(isNear, `${actual} for ${expected}`)
}

test('objects are read as they were written', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyObject, { maxLength: 5 }), async (objects) => {
      const annotation = { width: WIDTH, height: HEIGHT, objects }
      const back = await readObjects(await objectRecord('7', picture, annotation, true))
      assert.deepEqual([back.width, back.height, back.objects.length], [WIDTH, HEIGHT, objects.length])
      back.objects.forEach((object, i) => {
        const { box, keypoints = [], area, ...rest } = objects[i] as AnnotatedObject
        near(object.box, box)
        near(object.keypoints, keypoints)
        near([object.area], [area])
        const { box: _b, keypoints: _k, area: _a, ...restBack } = object
        assert.deepEqual(restBack, rest)
      })
    }),
    { numRuns: 60 },
  )
})

const DOG: AnnotatedObject = { box: [2, 1, 10, 5], label: 1, crowd: false, difficult: true, area: 33 }
const record = (objects: readonly AnnotatedObject[], others: Features = {}) =>
  objectRecord('7', picture, { width: WIDTH, height: HEIGHT, objects }, false, others)

test('an example has the id of its image, and the picture', async () => {
  const item = await read(await record([DOG]))
  assert.ok(item.type === 'example')
  assert.equal(item.id, '7')
  assert.deepEqual(Buffer.from(item.bytes), picture)
})

test('labels are found by the id of their category, or by their name without one', async () => {
  assert.equal((await readObjects(await record([DOG]))).objects[0]?.label, 1)
  const reversed = [...ANIMALS].reverse().map((label, id) => ({ ...label, id }))
  assert.equal((await readObjects(await record([{ ...DOG, label: 2 }]), reversed)).objects[0]?.label, 0)
  const named = await record([DOG], {
    'image/object/class/label': ints([]),
    'image/object/class/text': texts(['zebra']),
  })
  assert.equal((await readObjects(named)).objects[0]?.label, 2)
  const plain = ANIMALS.map(({ id, name }) => ({ id, name, parents: [] }))
  const fromOne = await record([DOG], { 'image/object/class/label': ints([3]) })
  assert.equal((await readObjects(fromOne, plain)).objects[0]?.label, 2, 'without categoryId, records count from 1')
})

test('labels may be those of a label map of the Object Detection API', async () => {
  const folder = inside(root)
  await writeFile(join(folder, 'map.pbtxt'), "item { id: 1 name: 'person' } item { id: 18 name: 'dog' }")
  await writeFile(join(folder, 'a-00000-of-00001'), await record([DOG]))
  const dataset = await openDataset(folder, { ...config, labels: 'map.pbtxt' })
  const [item] = await collect<unknown>(dataset.read(0))
  const { annotation } = item as { annotation: ObjectAnnotation }
  assert.deepEqual([annotation.objects[0]?.label, dataset.labels.labels[1]?.name], [1, 'dog'])
})

test('a label that is not in the labels file ends the reading, with the place', async () => {
  const folder = inside(root)
  await writeFile(join(folder, 'labels.json'), JSON.stringify(ANIMALS))
  await writeFile(join(folder, 'a-00000-of-00001'), await record([DOG], { 'image/object/class/label': ints([2]) }))
  const dataset = await openDataset(folder, config)
  await assert.rejects(collect<unknown>(dataset.read(0)), {
    code: 'LABEL_UNKNOWN',
    message: `${folder}/a-00000-of-00001 at byte 0: image/object/class/label 2 is not in ${folder}/labels.json, whose 3 labels have categoryId`,
  })
})

test('two labels of one category are refused', async () => {
  const twice = ANIMALS.map((label) => ({ ...label, categoryId: 5 }))
  await assert.rejects(read(await record([DOG]), twice), { code: 'LABELS_INVALID', message: /label 1: categoryId 5/ })
})

test('what a record lacks is taken from the picture, or has the usual value', async () => {
  const features = {
    'image/encoded': bytes(picture),
    'image/object/bbox/xmin': floats([0.1]),
    'image/object/bbox/xmax': floats([0.6]),
    'image/object/bbox/ymin': floats([0.1]),
    'image/object/bbox/ymax': floats([0.6]),
    'image/object/class/label': ints([24]),
  }
  const { width, height, objects } = await readObjects(encodeTfRecord(encodeExample(features)))
  assert.deepEqual([width, height], [WIDTH, HEIGHT])
  const [object] = objects
  near(object?.box, [2, 1, 10, 5])
  near([object?.area as number], [50])
  assert.deepEqual([object?.label, object?.crowd, object?.difficult, object?.keypoints], [2, false, false, undefined])
  assert.deepEqual((await readObjects(encodeTfRecord(encodeExample({ 'image/encoded': bytes(picture) })))).objects, [])
})

suite('a record that contradicts itself is damage:', () => {
  const cases: Record<string, [Features, RegExp]> = {
    'lists of different lengths': [
      { 'image/object/bbox/ymax': floats([0.1, 0.2]) },
      /^image\/object\/bbox\/ymax: has 2 values, and there are 1 boxes$/,
    ],
    'pixels instead of shares': [
      { 'image/object/bbox/xmax': floats([12]) },
      /^image\/object\/bbox\/xmax: 12: expected a share of the picture, from 0 to 1$/,
    ],
    NaN: [{ 'image/object/bbox/xmin': floats([Number.NaN]) }, /xmin: NaN: expected a share/],
    'a box whose end is before its beginning': [{ 'image/object/bbox/xmax': floats([0.01]) }, /^box 0: \[/],
    'a list of another type': [{ 'image/object/is_crowd': floats([0]) }, /is_crowd: has values of another type/],
    'a picture without pixels': [{ 'image/width': ints([0]) }, /image\/width 0, image\/height 10: expected/],
    'keypoints that the boxes cannot share': [
      { 'image/object/keypoint/x': floats([]), 'image/object/keypoint/y': floats([1]) },
      /keypoint\/x, y and visibility: have 0, 1 and 0 values/,
    ],
    'an area that is no number': [{ 'image/object/area': floats([Number.NaN]) }, /^image\/object\/area: NaN: expected/],
    'a keypoint that is no number': [
      { 'image/object/keypoint/x': floats([Number.POSITIVE_INFINITY]), 'image/object/keypoint/y': floats([0]) },
      /keypoint\/x and y: Infinity: expected a share/,
    ],
    'a visibility of another kind': [
      {
        'image/object/keypoint/x': floats([0]),
        'image/object/keypoint/y': floats([0]),
        'image/object/keypoint/visibility': ints([3]),
      },
      /keypoint\/visibility: 3: expected 0, 1 or 2/,
    ],
    'a mask of another size': [
      { 'image/object/mask': bytes(small) },
      /^image\/object\/mask 0: has 3×3 pixels, and the picture 20×10$/,
    ],
    'no class of an object': [
      { 'image/object/class/label': ints([]), 'image/object/class/text': ints([]) },
      /^no image\/object\/class\/label, and no image\/object\/class\/text$/,
    ],
    'no picture': [{ 'image/encoded': bytes() }, /^no image\/encoded$/],
  }
  for (const [name, [others, expected]] of Object.entries(cases))
    test(name, async () => {
      const item = await read(await record([DOG], others))
      assert.equal(item.type, 'corrupt')
      assert.match(item.type === 'corrupt' ? item.reason : '', expected)
    })

  test('class labels instead of objects', async () => {
    const features = { 'image/encoded': bytes(picture), 'image/class/label': ints([1]) }
    const item = await read(encodeTfRecord(encodeExample(features)))
    assert.equal(
      item.type === 'corrupt' && item.reason,
      'no image/object/bbox/xmin; it has image/class/label, as format tfrecord has',
    )
  })
})

test('objects with different numbers of keypoints cannot be written', async () => {
  const keypoints = new Array<number>(9).fill(1)
  await assert.rejects(
    record([
      { ...DOG, keypoints },
      { ...DOG, keypoints: [1, 1, 2] },
    ]),
    /have 3 and 1 keypoints/,
  )
  const both = await readObjects(await record([DOG, { ...DOG, keypoints }]))
  assert.deepEqual(
    both.objects.map((object) => object.keypoints?.length),
    [3 * KEYPOINTS.length, 3 * KEYPOINTS.length],
  )
})

test('detection of the format looks into the first record', async () => {
  const folder = inside(root)
  const boxes = join(folder, 'boxes')
  const classes = join(folder, 'classes')
  await Promise.all([mkdir(classes), mkdir(boxes)])
  await writeRecords(classes, [records('a', 1)], FRUIT)
  await writeFile(join(boxes, 'a-00000-of-00002'), '')
  await writeFile(join(boxes, 'a-00001-of-00002'), await record([]))
  await writeFile(join(boxes, 'labels.json'), JSON.stringify(ANIMALS))
  assert.deepEqual(await findSets(folder), [
    { folder: boxes, format: 'tfrecord-detection' },
    { folder: classes, format: 'tfrecord' },
  ])
})
