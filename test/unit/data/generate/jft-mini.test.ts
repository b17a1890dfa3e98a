/** Measures the documented properties of jft-mini on a small set. Bounds are five standard deviations of a binomial count. */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import type { ClassLabels, Dataset, Encoded } from '../../../../src/data/dataset.ts'
import { openClassDataset } from '../../../../src/data/formats.ts'
import { makeDataSet } from '../../../../src/data/generate/make-data-set.ts'
import { hierarchyDepth } from '../../../../src/data/hierarchy.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { collect } from '../builders.ts'

type Example = Encoded<ClassLabels> & ClassLabels

const SEED = 41
const IMAGES = 1500
const LEAVES = 72
const SIGMAS = 5

const out = join(temporaryFolder(), 'set')
let pretrain: Example[]
let evaluation: Example[]
let downstream: { train: Example[]; val: Example[]; classes: string[] }
let source: Dataset<ClassLabels>

async function examplesOf(path: string, format: 'tfrecord' | 'imagenet-folder', root = out) {
  const opened = await openClassDataset(root, { path, format, maxCorruptRecords: 0 })
  const items = (await Promise.all(opened.units.map((_, unit) => collect(opened.read(unit))))).flat()
  const examples = items.map((item) =>
    item.type === 'example' ? { ...item, ...item.annotation } : assert.fail(item.reason),
  )
  return { source: opened, examples }
}

before(async () => {
  await makeDataSet('jft-mini', {
    out,
    seed: SEED,
    sizes: {
      images: IMAGES,
      evaluationImages: 100,
      downstreamTrainPerClass: 3,
      downstreamValPerClass: 2,
    },
  })
  const [noisy, clean, train, val] = await Promise.all([
    examplesOf('pretrain', 'tfrecord'),
    examplesOf('evaluation', 'tfrecord'),
    examplesOf('downstream/train', 'imagenet-folder'),
    examplesOf('downstream/val', 'imagenet-folder'),
  ])
  source = noisy.source
  pretrain = noisy.examples
  evaluation = clean.examples
  const classes = train.source.labels.labels.map(({ name }) => name)
  assert.deepEqual(
    val.source.labels.labels.map(({ name }) => name),
    classes,
  )
  downstream = { train: train.examples, val: val.examples, classes }
})

const isLeaf = (id: number) => id >= source.labels.size - LEAVES
const parentOf = (id: number) => source.labels.labels[id]?.parents[0]
const truthOf = ({ truth }: Example) => truth ?? assert.fail('the record has no objects')

/** Asserts that `count` of `n` is within five standard deviations of probability `p`. */
function assertShare(count: number, n: number, p: number, what: string): void {
  const spread = (SIGMAS * Math.sqrt(p * (1 - p) * n)) / n
  assert.ok(Math.abs(count / n - p) < spread, `seed ${SEED}: ${what}: ${count} of ${n}, expected ${p} ± ${spread}`)
}

test('the hierarchy has at least 60 leaf classes under nine levels', () => {
  const { labels } = source.labels
  const parents = new Set(labels.flatMap((label) => label.parents))
  assert.equal(labels.filter(({ id }) => !parents.has(id)).length, LEAVES)
  assert.equal(hierarchyDepth(source.labels.labels), 10)
})

test('there are about 1.26 labels an image', (t) => {
  const mean = pretrain.reduce((sum, { labels }) => sum + labels.length, 0) / IMAGES
  t.diagnostic(`seed ${SEED}: ${mean.toFixed(3)}`)
  assert.ok(Math.abs(mean - 1.26) < SIGMAS * Math.sqrt((0.26 * 0.74) / IMAGES), String(mean))
})

test('a fifth of the leaf labels is wrong, and half of those are siblings of the correct one', () => {
  const stored = pretrain.flatMap((example) =>
    example.labels.filter(isLeaf).map((label) => ({ label, truth: truthOf(example) })),
  )
  const wrong = stored.filter(({ label, truth }) => !truth.includes(label))
  assertShare(wrong.length, stored.length, 0.2, 'wrong labels')
  const siblings = wrong.filter(({ label, truth }) => truth.some((leaf) => parentOf(leaf) === parentOf(label)))
  assertShare(siblings.length, wrong.length, 0.5, 'siblings among them')
})

test("the frequency of classes follows Zipf's law", (t) => {
  const shown = pretrain.flatMap((example) => truthOf(example))
  const leaves = Array.from({ length: LEAVES }, (_, i) => source.labels.size - LEAVES + i)
  const counts = leaves.map((leaf) => shown.filter((one) => one === leaf).length).sort((a, b) => b - a)
  const shares = Array.from({ length: LEAVES }, (_, rank) => (rank + 1) ** -1.1)
  const whole = shares.reduce((a, b) => a + b, 0)
  const sum = (values: number[]) => values.reduce((a, b) => a + b, 0)
  t.diagnostic(`seed ${SEED}: ${counts.slice(0, 3)} … ${counts.slice(-3)}`)
  for (const top of [1, 8, 36]) {
    assertShare(sum(counts.slice(0, top)), shown.length, sum(shares.slice(0, top)) / whole, `first ${top}`)
  }
})

test('ancestors are missing from nearly all records, and closing the labels adds them', () => {
  const named = pretrain.filter(({ labels }) => labels.some((label) => !isLeaf(label)))
  assert.ok(named.length > 0 && named.length < 0.05 * IMAGES, `${named.length} records name an ancestor`)
  for (const { labels } of pretrain.slice(0, 20)) assert.ok(source.labels.close(labels).includes(0))
})

test('the evaluation set has exactly the labels of the shown objects, with their ancestors', () => {
  assert.equal(evaluation.length, 100)
  for (const example of evaluation) {
    assert.deepEqual([...example.labels].sort(), [...source.labels.close(truthOf(example))].sort())
  }
})

test('no downstream class is in pre-training, and each has the requested number of images', () => {
  const known = new Set(source.labels.labels.map(({ name }) => name.replaceAll(' ', '-')))
  assert.equal(downstream.classes.length, 20)
  assert.deepEqual(
    downstream.classes.filter((name) => known.has(name)),
    [],
  )
  const perClass = (examples: Example[]) =>
    downstream.classes.map((_, id) => examples.filter(({ labels }) => labels[0] === id).length)
  assert.deepEqual(perClass(downstream.train), new Array(20).fill(3))
  assert.deepEqual(perClass(downstream.val), new Array(20).fill(2))
})

test('no image is in two sets, by id or by bytes', () => {
  const sets = [pretrain, evaluation, downstream.train, downstream.val]
  const total = sets.reduce((sum, { length }) => sum + length, 0)
  assert.equal(new Set(sets.flat().map(({ id }) => id)).size, total)
  assert.equal(new Set(sets.flat().map(({ bytes }) => Buffer.from(bytes).toString('base64'))).size, total)
})

test('the control has the same pictures and labels, each with the labels of the next picture', async () => {
  const folder = join(temporaryFolder(), 'set')
  const sizes = { images: 60, evaluationImages: 1, downstreamTrainPerClass: 1, downstreamValPerClass: 1 }
  await makeDataSet('jft-mini', { out: join(folder, 'plain'), seed: SEED, sizes })
  await makeDataSet('jft-mini-permuted', { out: join(folder, 'permuted'), seed: SEED, sizes })
  const read = async (name: string) => {
    const { examples } = await examplesOf(join(name, 'pretrain'), 'tfrecord', folder)
    return examples.toSorted((a, b) => Number(a.id.split('-')[1]) - Number(b.id.split('-')[1]))
  }
  const [plain, permuted] = [await read('plain'), await read('permuted')]
  assert.equal(plain.length, 60)
  for (const [i, example] of permuted.entries()) {
    assert.deepEqual(example.bytes, plain[i]?.bytes)
    assert.deepEqual(example.labels, plain[(i + 1) % 60]?.labels)
    assert.deepEqual(example.truth, plain[i]?.truth)
  }
})

test('the folder records how it was generated', async () => {
  const facts = JSON.parse(await readFile(join(out, 'dataset.json'), 'utf8'))
  assert.deepEqual(
    { seed: facts.seed, images: facts.images, classes: facts.classes },
    { seed: SEED, images: IMAGES, classes: source.labels.size },
  )
  const files = await readdir(join(out, 'pretrain'))
  assert.equal(files.filter((name) => /^jft-mini-\d{5}-of-00016\.tfrecord$/.test(name)).length, 16)
})
