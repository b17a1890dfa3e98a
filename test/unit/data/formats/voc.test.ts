import assert from 'node:assert/strict'
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, suite, test } from 'node:test'
import type { DataConfig } from '../../../../src/contract/runtime.ts'
import type { AnyDataset, Item } from '../../../../src/data/dataset.ts'
import { openDataset } from '../../../../src/data/formats.ts'
import { VOC_CLASSES } from '../../../../src/data/voc/folder.ts'
import { readMask } from '../../../../src/data/voc/mask.ts'
import { boundsOf, makeScenes, SCENE_CLASSES } from '../../../support/scenes.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { classMask, palettePng, vocXml, writeVoc } from '../../../support/voc-files.ts'
import { collect, inside, png } from '../builders.ts'

const root = temporaryFolder()
const CONFIG: DataConfig = { path: '.', format: 'voc', maxCorruptRecords: 0 }
const SCENES = makeScenes(6, 1)
const base = join(root, 'VOC2012')

before(() => writeVoc(base, 'train', SCENES))

/** A copy that a test may change. */
async function copied(): Promise<string> {
  const folder = inside(root)
  await cp(base, folder, { recursive: true })
  return folder
}

async function readAll({ units, read }: AnyDataset): Promise<Item<unknown>[]> {
  return (await Promise.all(units.map((_, unit) => collect<Item<unknown>>(read(unit))))).flat()
}

const readSet = async (folder: string, imageSet: string) => readAll(await openDataset(folder, { ...CONFIG, imageSet }))

const damageOf = (items: readonly Item<unknown>[]) =>
  items.flatMap((item) => (item.type === 'corrupt' ? [`${item.where}: ${item.reason}`] : []))

test('boxes are 0-based, difficult and truncated objects are marked, and labels are the 20 classes with ids from 1', async () => {
  const dataset = await openDataset(base, { ...CONFIG, imageSet: 'Main/train' })
  assert.ok(dataset.annotates === 'objects')
  assert.deepEqual(
    dataset.labels.labels.map(({ name, categoryId }) => [name, categoryId]),
    VOC_CLASSES.map((name, i) => [name, i + 1]),
  )
  const items = await collect(dataset.read(0))
  assert.equal(items.length, SCENES.length)
  for (const [i, item] of items.entries()) {
    assert.ok(item.type === 'example')
    const { name, width, height, objects } = SCENES[i] as (typeof SCENES)[number]
    assert.equal(item.id, name)
    const expected = objects.map(({ kind, polygons, crowd, difficult, truncated }) => {
      const [left, top, right, bottom] = boundsOf(polygons)
      const box = [Math.floor(left), Math.floor(top)]
      const size = [Math.ceil(right) - Math.floor(left), Math.ceil(bottom) - Math.floor(top)] as const
      const label = VOC_CLASSES.indexOf(SCENE_CLASSES[kind]?.voc ?? 'person')
      const flags = { crowd: false, difficult: difficult || crowd, truncated }
      return { box: [...box, ...size], label, ...flags, area: size[0] * size[1] }
    })
    assert.deepEqual(item.annotation, { width, height, objects: expected })
  }
})

test('masks have the classes of the palette, 255 for void, as grey pixels; SegmentationClassAug comes first', async () => {
  const folder = await copied()
  const [first, second] = SCENES as [(typeof SCENES)[number], (typeof SCENES)[number]]
  await mkdir(join(folder, 'SegmentationClassAug'))
  const plain = new Uint8Array(first.width * first.height).fill(20)
  const grey = await greyPng(plain, first.width, first.height)
  await writeFile(join(folder, 'SegmentationClassAug', `${first.name}.png`), grey)
  const dataset = await openDataset(folder, { ...CONFIG, imageSet: 'Segmentation/train' })
  assert.ok(dataset.annotates === 'masks')
  assert.deepEqual(
    dataset.labels.labels.slice(0, 2).map(({ name }) => name),
    ['background', 'aeroplane'],
  )
  const items = await collect(dataset.read(0))
  const masks = items.map((item) => {
    assert.ok(item.type === 'example')
    assert.deepEqual([item.annotation.png[25], item.annotation.png[24]], [0, 8], 'grey, 8 bits')
    return readMask(item.annotation.png, item.id).classes
  })
  assert.deepEqual(masks[0], plain)
  assert.deepEqual(masks[1], classMask(second))
  assert.ok(masks[1]?.includes(255))
})

test('the image set is found where there is one, and must be named where there are several', async () => {
  const folder = await copied()
  await assert.rejects(openDataset(folder, CONFIG), {
    code: 'DATA_AMBIGUOUS',
    message: /several image sets; there are "Main\/train", "Segmentation\/train": name one with imageSet/,
  })
  await assert.rejects(openDataset(folder, { ...CONFIG, imageSet: 'Main/val' }), {
    code: 'DATA_MISSING',
    message: /no set Main\/val; there are/,
  })
  await rm(join(folder, 'ImageSets/Segmentation'), { recursive: true })
  assert.equal((await openDataset(folder, CONFIG)).annotates, 'objects')
  await writeFile(join(folder, 'ImageSets/Main/train.txt'), '\n')
  await assert.rejects(openDataset(folder, CONFIG), {
    code: 'DATA_MISSING',
    message: /ImageSets: no image set: expected/,
  })
})

suite('an annotation that cannot be used is damage with file, image and field:', () => {
  const xml = vocXml(SCENES[0] as (typeof SCENES)[number])
  const cases: [string, string | undefined, RegExp][] = [
    ['a missing file', undefined, /ENOENT/],
    ['an empty file', '', /line|annotation/],
    ['no XML', 'hello', /line 1|annotation/],
    ['an element without an end', xml.replace('</bndbox>', ''), /line \d+: /],
    [
      'a document type',
      `<!DOCTYPE annotation SYSTEM "file:///etc/passwd">${xml}`,
      /document types and entities are not/,
    ],
    ['an entity', `<!DOCTYPE a [<!ENTITY x "y">]>${xml}`, /document types and entities are not read/],
    ['another root', xml.replaceAll('annotation>', 'annotations>'), /annotation: /],
    ['no size', xml.replace(/<size>[\s\S]*<\/size>/, ''), /annotation\.size: /],
    ['no name', xml.replace(/<name>\w+<\/name>/, ''), /annotation\.object\.0\.name: /],
    [
      'an unknown class',
      xml.replace(/<name>\w+</, '<name>Person<'),
      /object\.0\.name: "Person": expected one of .* and one is "person"/,
    ],
    ['no box', xml.replace(/<bndbox>[\s\S]*?<\/bndbox>/, ''), /annotation\.object\.0\.bndbox: /],
    [
      'a coordinate that is a word',
      xml.replace(/<xmin>\d+</, '<xmin>left<'),
      /object\.0\.bndbox\.xmin: "left": expected a number/,
    ],
    ['an empty coordinate', xml.replace(/<xmin>\d+</, '<xmin><'), /object\.0\.bndbox\.xmin: /],
    ['xmax below xmin', xml.replace(/<xmax>\d+</, '<xmax>-3<'), /expected xmax ≥ xmin/],
    ['a difficult of 7', xml.replace(/<difficult>\d</, '<difficult>7<'), /object\.0\.difficult: /],
  ]
  for (const [what, text, message] of cases)
    test(what, async () => {
      const folder = await copied()
      const file = join(folder, `Annotations/${SCENES[0]?.name}.xml`)
      await (text === undefined ? rm(file) : writeFile(file, text))
      const items = await readSet(folder, 'Main/train')
      const [damage, ...more] = damageOf(items)
      assert.deepEqual(more, [])
      assert.match(damage ?? '', message)
      assert.ok(damage?.startsWith(`${file}: image ${SCENES[0]?.name}: `), damage)
      assert.equal(items.length, SCENES.length)
    })
})

test('fractions, parts of persons, entities of XML, and missing optional fields are read', async () => {
  const folder = await copied()
  const size = '<size><width>320</width><height>240</height></size>'
  const part = '<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part>'
  const box = '<bndbox><xmax>45.7</xmax><xmin>1</xmin><ymin>0.5</ymin><ymax>900</ymax></bndbox>'
  const object = `<object><name>person</name>${box}${part}${part}</object>`
  await writeFile(
    join(folder, `Annotations/${SCENES[0]?.name}.xml`),
    `<?xml version="1.0"?><annotation><folder>a &amp; b</folder>${size}${object}</annotation>`,
  )
  const [item] = await readSet(folder, 'Main/train')
  assert.ok(item?.type === 'example')
  const { objects } = item.annotation as { objects: { box: number[] }[] }
  assert.deepEqual(
    objects.map(({ box: numbers }) => numbers.map((number) => Math.round(number * 1e6) / 1e6)),
    [[0, -0.5, 45.7, 900.5]],
  )
})

test('an image without an object is an example without objects', async () => {
  const folder = await copied()
  const scene = { ...(SCENES[0] as (typeof SCENES)[number]), objects: [] }
  await writeFile(join(folder, `Annotations/${scene.name}.xml`), vocXml(scene))
  const [item] = await readSet(folder, 'Main/train')
  assert.ok(item?.type === 'example')
  assert.deepEqual(item.annotation, { width: scene.width, height: scene.height, objects: [] })
})

test('pictures and masks that are missing, do not decode or have another size are damage', async () => {
  const folder = await copied()
  const name = (i: number) => SCENES[i]?.name ?? ''
  await rm(join(folder, `JPEGImages/${name(0)}.jpg`))
  await writeFile(join(folder, `JPEGImages/${name(1)}.jpg`), 'hello')
  await writeFile(join(folder, `JPEGImages/${name(2)}.jpg`), await png(1, 5, 7))
  const objects = damageOf(await readSet(folder, 'Main/train'))
  assert.equal(objects.length, 3)
  assert.match(objects[0] ?? '', /scene_000001\.jpg: image scene_000001: cannot be read: ENOENT/)
  assert.match(objects[1] ?? '', /scene_000002\.jpg: image scene_000002: Input buffer/)
  assert.match(objects[2] ?? '', /scene_000003\.jpg: image scene_000003: the picture has 5×7 pixels: expected/)
  await rm(join(folder, `SegmentationClass/${name(3)}.png`))
  await writeFile(join(folder, `SegmentationClass/${name(4)}.png`), 'hello')
  const masks = damageOf(await readSet(folder, 'Segmentation/train'))
  assert.equal(masks.length, 5)
  assert.match(masks[3] ?? '', /SegmentationClass\/scene_000004\.png: image scene_000004: no such file/)
  assert.match(masks[4] ?? '', /SegmentationClass\/scene_000005\.png: image scene_000005: not a PNG/)
})

test('a mask with a palette of another kind, or with classes that the labels lack, is damage', async () => {
  const folder = await copied()
  const { name, width, height } = SCENES[0] as (typeof SCENES)[number]
  const file = join(folder, `SegmentationClass/${name}.png`)
  const indices = new Uint8Array(width * height).fill(1)
  const greys = Array.from({ length: 256 }, (_, i) => [i, i, i])
  const cases: [Buffer, RegExp][] = [
    [palettePng(indices, width, height, greys), /colour 1,1,1 at x 0, y 0: expected a colour of VOC's palette/],
    [palettePng(indices.fill(21), width, height), /class 21 at x 0, y 0: expected 0 to 20, or 255 for void/],
  ]
  for (const [bytes, message] of cases) {
    await writeFile(file, bytes)
    const [damage, ...more] = damageOf(await readSet(folder, 'Segmentation/train'))
    assert.match(damage ?? '', message)
    assert.deepEqual(more, [])
  }
})

test('a labels.json in the folder names classes of its own; pictures may be PNG', async () => {
  const folder = await copied()
  const { name } = SCENES[0] as (typeof SCENES)[number]
  const labels = ['sheep', 'tvmonitor', 'person', 'bottle'].map((label, id) => ({ id, name: label, parents: [] }))
  await writeFile(join(folder, 'labels.json'), JSON.stringify(labels))
  await rename(join(folder, `JPEGImages/${name}.jpg`), join(folder, `JPEGImages/${name}.png`))
  const dataset = await openDataset(folder, { ...CONFIG, imageSet: 'Main/train' })
  assert.deepEqual(
    dataset.labels.labels.map((label) => label.name),
    labels.map((label) => label.name),
  )
  assert.deepEqual(damageOf(await readAll(dataset)), [])
})

test('a labels.json that begins with the background serves boxes and masks', async () => {
  const folder = await copied()
  const labels = ['background', 'sheep', 'tvmonitor', 'person', 'bottle'].map((label, id) => ({ id, name: label }))
  await writeFile(join(folder, 'labels.json'), JSON.stringify(labels.map((label) => ({ ...label, parents: [] }))))
  const boxes = await openDataset(folder, { ...CONFIG, imageSet: 'Main/train' })
  const masks = await openDataset(folder, { ...CONFIG, imageSet: 'Segmentation/train' })
  const namesOf = (dataset: AnyDataset) => dataset.labels.labels.map(({ id, name }) => [id, name])
  assert.deepEqual(
    namesOf(masks),
    labels.map(({ id, name }) => [id, name]),
  )
  assert.deepEqual(
    namesOf(boxes),
    labels.slice(1).map(({ id, name }) => [id - 1, name]),
  )
  assert.deepEqual(damageOf(await readAll(boxes)), [])
})

test('masks keep their values, so the classes of a job must be those of the masks', async () => {
  const dataset = await openDataset(base, { ...CONFIG, imageSet: 'Segmentation/train' })
  assert.ok(dataset.annotates === 'masks')
  const own = dataset.labels.labels.map(({ id, name, parents }) => ({ id, name, parents }))
  const [item] = await collect(dataset.read(0))
  assert.ok(item?.type === 'example')
  assert.equal(dataset.withClasses(own).interpret(item.annotation), item.annotation)
  const turned = own.toReversed().map(({ name }, id) => ({ id, name, parents: [] }))
  assert.throws(() => dataset.withClasses(turned), { code: 'DATA_CLASSES_DIFFER', message: /class 0 .*"background"/ })
})

async function greyPng(values: Uint8Array, width: number, height: number): Promise<Buffer> {
  const { default: sharp } = await import('sharp')
  const grey = sharp(values, { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .png()
  const file = join(root, 'grey.png')
  await grey.toFile(file)
  return readFile(file)
}
