import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { before, test } from 'node:test'
import sharp from 'sharp'
import { open } from '../../../bench/dedup/copies.ts'
import { KINDS, type Raw } from '../../../bench/dedup/pictures.ts'
import type { Item } from '../../../src/data/dataset.ts'
import { openDataset } from '../../../src/data/formats.ts'
import { loadBackbone } from '../../../src/dedup/backbone-checkpoint.ts'
import { type DedupOptions, findDuplicates } from '../../../src/dedup/dedup.ts'
import { embeddingMethod } from '../../../src/dedup/embedding.ts'
import type { Method } from '../../../src/dedup/method.ts'
import { perceptualMethod } from '../../../src/dedup/perceptual.ts'
import { silentLog } from '../../../src/support/log.ts'
import { createRandom } from '../../../src/support/random.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { tf } from '../../../src/tensor/tf.ts'
import { writeCoco } from '../../support/coco-files.ts'
import { drawScene, makeScenes } from '../../support/scenes.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { writeVoc } from '../../support/voc-files.ts'
import { collect, encodeRecord, inside } from '../data/builders.ts'
import { tarOf, writeTars } from '../data/webdataset/builders.ts'
import { writeCheckpoint } from '../evaluator/builders.ts'
import { buildModel, config, drawAll } from '../models/builders.ts'

const root = temporaryFolder()
const pictures: Raw[] = Array.from({ length: 6 }, (_, seed) => KINDS['large object'](createRandom(seed)))

before(async () => void (await selectBackend('wasm', silentLog)))

function jpeg(i: number): Promise<Buffer> {
  return open(pictures[i] as Raw)
    .jpeg({ quality: 60 })
    .toBuffer()
}

/** Writes class folders. */
async function folderWith(files: Record<string, Buffer>): Promise<string> {
  const folder = inside(root)
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), bytes)
  }
  return folder
}

/** Pictures 0, 1 and 2 as a test set. */
async function testSet(): Promise<string> {
  return folderWith({ 'a/0.jpg': await jpeg(0), 'a/1.jpg': await jpeg(1), 'b/2.jpg': await jpeg(2) })
}

function optionsOf(testFolder: string, trainFolders: string[], more: Partial<DedupOptions> = {}): DedupOptions {
  return {
    training: trainFolders.map((folder) => ({ flag: '--train', folder })),
    test: { flag: '--test', folder: testFolder },
    out: join(inside(root), 'list.tsv'),
    methods: [perceptualMethod()],
    key: '',
    maxCorrupt: 0,
    ...more,
  }
}

test('lists each test picture that has a copy, with the training picture, the method and the distance', async () => {
  const shards = inside(root)
  const flopped = await open(pictures[1] as Raw)
    .flop()
    .webp()
    .toBuffer()
  const records = [
    await encodeRecord({ id: 'other', labels: [0], encoded: await jpeg(4) }),
    await encodeRecord({ id: 'mirror of 1', labels: [0], encoded: flopped }),
  ]
  await writeFile(join(shards, 'data.tfrecord'), Buffer.concat(records))
  await writeFile(join(shards, 'labels.json'), '[{"id":0,"name":"x","parents":[]}]')
  const options = optionsOf(await testSet(), [shards])
  const report = await findDuplicates(options)
  const lines = (await readFile(options.out, 'utf8')).trimEnd().split('\n')
  assert.match(
    lines.filter((line) => !line.startsWith('#')).join('\n'),
    /^a\/1\.jpg\tmirror of 1\tperceptual\t0\.\d{4}$/,
  )
  assert.equal(lines[0], '# near-duplicates, found by downpour data dedup')
  assert.deepEqual([report.test.pictures, report.training.pictures, report.duplicates.length], [3, 2, 1])
})

test('with several training folders, the source names its folder, and the closest copy is listed', async () => {
  const small = await sharp(await jpeg(0))
    .resize(20, 20)
    .jpeg({ quality: 30 })
    .toBuffer()
  const [near, far] = [await folderWith({ 'x/same.jpg': await jpeg(0) }), await folderWith({ 'x/small.jpg': small })]
  for (const order of [
    [near, far],
    [far, near],
  ]) {
    const { duplicates } = await findDuplicates(optionsOf(await testSet(), order))
    assert.deepEqual(
      duplicates.map(({ test, training }) => [test, training]),
      [['a/0.jpg', `${near}/x/same.jpg`]],
    )
  }
})

test('no copy gives a list without rows', async () => {
  const options = optionsOf(await testSet(), [await folderWith({ 'x/4.jpg': await jpeg(4) })])
  assert.deepEqual((await findDuplicates(options)).duplicates, [])
  assert.ok(
    readFileSync(options.out, 'utf8')
      .trimEnd()
      .split('\n')
      .every((line) => line.startsWith('#')),
  )
})

test('damaged pictures are counted up to the limit on each side', async () => {
  const broken = (await jpeg(3)).subarray(0, 600)
  const train = await folderWith({ 'x/0.jpg': await jpeg(0), 'x/broken.jpg': broken })
  const options = optionsOf(await testSet(), [train])
  const { training, duplicates } = await findDuplicates({ ...options, maxCorrupt: 1 })
  assert.deepEqual([training.damaged, training.pictures, duplicates.length], [1, 1, 1])
  const again = { ...options, methods: [perceptualMethod()], out: join(inside(root), 'list') }
  await assert.rejects(findDuplicates(again), { code: 'BAD_DATA', message: /broken\.jpg.*--max-corrupt is 0/ })
  assert.equal(existsSync(again.out), false)
})

test('pictures without contrast are counted and match nothing', async () => {
  const page = () =>
    sharp({ create: { width: 60, height: 80, channels: 3, background: 'white' } })
      .png()
      .toBuffer()
  const blank = await folderWith({ 'a/0.jpg': await jpeg(0), 'a/page.png': await page() })
  const { test, duplicates } = await findDuplicates(
    optionsOf(blank, [await folderWith({ 'x/page.png': await page() })]),
  )
  assert.deepEqual([test.skipped, duplicates], [{ perceptual: 1 }, []])
})

test('refuses what would give a wrong list, before it reads pictures', async () => {
  const set = await testSet()
  const parent = await folderWith({
    'one/a/0.jpg': await jpeg(0),
    'one/b/1.jpg': await jpeg(1),
    'two/a/0.jpg': await jpeg(0),
    'two/b/1.jpg': await jpeg(1),
  })
  const cases: [DedupOptions, string][] = [
    [optionsOf(set, [`${set}/.`]), 'DEDUP_SAME_FOLDER'],
    [optionsOf(set, [join(root, 'missing')]), 'DATA_MISSING'],
    [optionsOf(set, [parent]), 'DATA_SEVERAL_SETS'],
    [optionsOf(await folderWith({ '#a/0.jpg': await jpeg(0) }), [parent]), 'DATA_SEVERAL_SETS'],
    [optionsOf(await folderWith({ '#a/0.jpg': await jpeg(0) }), [set]), 'DEDUP_ID'],
    [optionsOf(set, [set], { out: set }), 'DEDUP_OUT_UNUSABLE'],
    [optionsOf(set, [set], { out: join(set, 'a/0.jpg') }), 'DEDUP_OUT_UNUSABLE'],
    [optionsOf(set, [set], { out: '/proc/no/list' }), 'DEDUP_OUT_UNUSABLE'],
  ]
  for (const [options, code] of cases) await assert.rejects(findDuplicates(options), { code }, code)
  assert.deepEqual(readFileSync(join(set, 'a/0.jpg')), await jpeg(0))
})

test('compares two parts of one folder, and refuses one part with itself', async () => {
  const folder = inside(root)
  const train = await writeCoco(folder, 'train', makeScenes(4, 5))
  const val = await writeCoco(folder, 'val', makeScenes(6, 5).slice(2))
  const optionsWith = (trained: string): DedupOptions => ({
    ...optionsOf(folder, []),
    training: [{ flag: '--train', folder, options: { annotations: trained } }],
    test: { flag: '--test', folder, options: { annotations: val.instances } },
  })
  const { duplicates } = await findDuplicates(optionsWith(train.instances))
  assert.deepEqual(duplicates.map(({ test }) => test).sort(), ['3', '4'])
  const itself = findDuplicates(optionsWith(`./${val.instances}`))
  await assert.rejects(itself, { code: 'DEDUP_SAME_FOLDER', message: /with the same files/ })
})

test('replaces an earlier list', async () => {
  const options = optionsOf(await testSet(), [await folderWith({ 'x/0.jpg': await jpeg(0) })])
  await findDuplicates(options)
  const first = readFileSync(options.out, 'utf8')
  await findDuplicates({ ...options, methods: [perceptualMethod()] })
  assert.equal(readFileSync(options.out, 'utf8'), first)
})

test('an interrupted search writes no list, and the same call continues it with the same result', async () => {
  const shards = inside(root)
  await writeFile(join(shards, 'labels.json'), '[{"id":0,"name":"x","parents":[]}]')
  for (const i of [0, 1, 2, 3, 4]) {
    const record = await encodeRecord({ id: `copy-${i}`, labels: [0], encoded: await jpeg(i) })
    await writeFile(join(shards, `data-0000${i}-of-00005.tfrecord`), record)
  }
  const options = optionsOf(await testSet(), [shards], { saveEveryMs: 0 })
  const stop = new AbortController()
  const onProgress: DedupOptions['onProgress'] = (done, _total, what) => {
    if (what === 'training' && done === 2) stop.abort()
  }
  await assert.rejects(findDuplicates({ ...options, onProgress, signal: stop.signal }), { name: 'AbortError' })
  assert.equal(existsSync(options.out), false)
  assert.equal(existsSync(`${options.out}.partial`), true)
  const again = { ...options, methods: [perceptualMethod()] }
  const report = await findDuplicates(again)
  assert.deepEqual([report.continuedAfter, report.training.pictures], [2, 5])
  const ids = report.duplicates.map(({ test, training }) => `${test} ${training}`).sort()
  assert.deepEqual(ids, ['a/0.jpg copy-0', 'a/1.jpg copy-1', 'b/2.jpg copy-2'])
  assert.equal(existsSync(`${options.out}.partial`), false)
})

test('an interruption in the middle of a shard keeps the shards before it, however new they are', async () => {
  const shards = inside(root)
  await writeFile(join(shards, 'labels.json'), '[{"id":0,"name":"x","parents":[]}]')
  const recordOf = async (i: number) => encodeRecord({ id: `copy-${i}`, labels: [0], encoded: await jpeg(i) })
  await writeFile(join(shards, 'data-00000-of-00002.tfrecord'), await recordOf(0))
  // More pictures than are decoded at once.
  const many = Array.from<Uint8Array>({ length: 40 }).fill(await recordOf(1))
  await writeFile(join(shards, 'data-00001-of-00002.tfrecord'), Buffer.concat(many))
  const stop = new AbortController()
  const method = perceptualMethod() as Method
  const prepare = method.prepare.bind(method)
  let prepared = 0
  method.prepare = (bytes) => {
    prepared += 1
    // Three of the test set and one of the first shard.
    if (prepared === 3 + 1 + 1) stop.abort()
    return prepare(bytes)
  }
  const options = optionsOf(await testSet(), [shards], { saveEveryMs: 3_600_000 })
  const stopped = findDuplicates({ ...options, methods: [method], signal: stop.signal })
  await assert.rejects(stopped, { name: 'AbortError' })
  const report = await findDuplicates(options)
  assert.deepEqual([report.continuedAfter, report.training.pictures, report.duplicates.length], [1, 41, 2])
})

test('a search with another threshold does not continue an interrupted one', async () => {
  const options = optionsOf(await testSet(), [await folderWith({ 'x/0.jpg': await jpeg(0) })])
  await writeFile(`${options.out}.partial`, '{"key":"other","unitsDone":1,"pictures":9,"damaged":0,"found":[]}')
  assert.equal((await findDuplicates(options)).continuedAfter, 0)
})

/** A checkpoint of resnet-mini with random weights. */
async function miniCheckpoint(): Promise<string> {
  const model = buildModel(config())
  const { folder } = await writeCheckpoint(inside(root), 100, { variables: model.variables, values: drawAll(model, 1) })
  return folder
}

async function embedding(folder: string, threshold: number): Promise<Method> {
  return embeddingMethod({ ...(await loadBackbone(folder, {})), threshold }) as Method
}

test('the embedding of a checkpoint finds copies, mirrored ones too, and leaks no tensor', async () => {
  const mirrored = await open(pictures[1] as Raw)
    .flop()
    .png()
    .toBuffer()
  const train = await folderWith({ 'x/0.jpg': await jpeg(0), 'x/1.png': mirrored, 'x/5.jpg': await jpeg(5) })
  const methods = [await embedding(await miniCheckpoint(), 0.05)]
  const { duplicates } = await findDuplicates(optionsOf(await testSet(), [train], { methods }))
  assert.deepEqual(duplicates.map(({ test, training, method }) => `${test} ${training} ${method}`).sort(), [
    'a/0.jpg x/0.jpg embedding',
    'a/1.jpg x/1.png embedding',
  ])
  const before = tf.memory().numTensors
  const [prepared] = await Promise.all([methods[0]?.prepare(await jpeg(3))])
  methods[0]?.match([prepared])
  assert.equal(tf.memory().numTensors, before)
})

test('what both methods find is listed as perceptual', async () => {
  const methods = [perceptualMethod() as Method, await embedding(await miniCheckpoint(), 0.02)]
  const train = await folderWith({ 'x/0.jpg': await jpeg(0) })
  const { duplicates } = await findDuplicates(optionsOf(await testSet(), [train], { methods }))
  assert.deepEqual(
    duplicates.map(({ method }) => method),
    ['perceptual'],
  )
})

test('the newest checkpoint of a folder is used, and another or an unknown network is refused', async () => {
  const folder = await miniCheckpoint()
  assert.equal((await loadBackbone(dirname(folder), {})).folder, folder)
  const path = join(folder, 'manifest.json')
  const manifest = JSON.parse(await readFile(path, 'utf8'))
  const withModel = (model: object) => writeFile(path, JSON.stringify({ ...manifest, model }))
  await withModel({ backbone: 'resnet-mini', variant: 'slim' })
  assert.equal((await loadBackbone(folder, { variant: 'slim' })).name, 'resnet-mini')
  await assert.rejects(loadBackbone(folder, { variant: 'torchvision' }), { code: 'DEDUP_MODEL' })
  await withModel({ backbone: 'vit-b', variant: 'slim' })
  await assert.rejects(loadBackbone(folder, {}), { code: 'DEDUP_MODEL', message: /vit-b/ })
  await withModel({ backbone: 'resnet50', variant: 'slim' })
  await assert.rejects(loadBackbone(folder, {}), { code: 'CHECKPOINT_INCOMPLETE' })
  await assert.rejects(loadBackbone(inside(root), {}), { code: 'CHECKPOINT_MISSING' })
})

test('reads boxes of COCO and VOC and tar files as well as class folders', async () => {
  const scenes = makeScenes(5, 21, 200)
  const [coco, voc, tars] = [inside(root), inside(root), inside(root)]
  const { instances: annotations } = await writeCoco(coco, 'val2017', scenes)
  await writeVoc(voc, 'train', scenes.slice(0, 2))
  const jpegs = await Promise.all(scenes.slice(2, 4).map((scene) => drawScene(scene)))
  const members = jpegs.flatMap((bytes, i) => [[`${i}.jpg`, bytes] as const, [`${i}.cls`, '0'] as const])
  await writeTars(tars, { 'train-000000.tar': await tarOf(members) }, [{ id: 0, name: 'x', parents: [] }])
  const { duplicates } = await findDuplicates({
    ...optionsOf(coco, []),
    test: { flag: '--test', folder: coco, options: { annotations } },
    training: [
      { flag: '--train', folder: voc, options: { imageSet: 'Main/train' } },
      { flag: '--train', folder: tars },
    ],
  })
  const ids = await idsOf(coco, annotations)
  assert.equal(ids.length, 5)
  assert.deepEqual(duplicates.map(({ test }) => test).sort(), ids.slice(0, 4))
})

async function idsOf(folder: string, annotations: string): Promise<string[]> {
  const dataset = await openDataset(folder, { path: '.', format: 'coco', annotations, maxCorruptRecords: 0 })
  const items = (await Promise.all(dataset.units.map((_, unit) => collect<Item<unknown>>(dataset.read(unit))))).flat()
  return items.flatMap((item) => (item.type === 'example' ? [item.id] : [])).sort()
}
