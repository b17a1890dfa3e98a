import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Class } from '../../../src/contract/classes.ts'
import type { DataConfig } from '../../../src/contract/runtime.ts'
import type { ClassLabels, Dataset } from '../../../src/data/dataset.ts'
import { openClassDataset } from '../../../src/data/formats.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { collect, FRUIT, inside, png, writeImages, writeRecords } from './builders.ts'

const root = temporaryFolder()

/** Maps the id of each image to the names of its labels. */
async function namesIn(dataset: Dataset<ClassLabels>): Promise<Record<string, string[]>> {
  const items = (await Promise.all(dataset.units.map((_, unit) => collect(dataset.read(unit))))).flat()
  const pairs = items.map((item) => {
    if (item.type === 'corrupt') return assert.fail(item.reason)
    const { labels } = dataset.interpret(item.annotation)
    return [item.id, labels.map((id) => dataset.labels.labels[id]?.name ?? '').sort()] as const
  })
  return Object.fromEntries(pairs.sort())
}

const IMAGES = [
  [
    { id: 'apple', labels: [2] },
    { id: 'tool', labels: [3] },
  ],
  [
    { id: 'both', labels: [3, 2] },
    { id: 'fruit', labels: [1] },
  ],
]

async function fruitWith(names: string[], keepOtherLabels: boolean): Promise<Dataset<ClassLabels>> {
  const folder = inside(root)
  const config = await writeRecords(folder, IMAGES)
  return openClassDataset(folder, { ...config, labelSubset: { names, keepOtherLabels } })
}

test('images without a label of the subset are left out, and the subset is the only classes', async () => {
  const dataset = await fruitWith(['apple', 'tool'], false)
  assert.deepEqual(dataset.labels.labels, [
    { id: 0, name: 'apple', parents: [] },
    { id: 1, name: 'tool', parents: [] },
  ])
  assert.deepEqual(await namesIn(dataset), { apple: ['apple'], both: ['apple', 'tool'], tool: ['tool'] })
})

test('with keepOtherLabels the same images have all their labels', async () => {
  const dataset = await fruitWith(['apple'], true)
  assert.equal(dataset.labels.size, FRUIT.length)
  assert.deepEqual(await namesIn(dataset), {
    apple: ['apple', 'fruit', 'thing'],
    both: ['apple', 'fruit', 'thing', 'tool'],
  })
})

test('the same images are read with and without keepOtherLabels', async () => {
  const [few, all] = [await fruitWith(['fruit', 'apple'], false), await fruitWith(['apple', 'fruit'], true)]
  assert.deepEqual(Object.keys(await namesIn(few)), Object.keys(await namesIn(all)))
  assert.deepEqual(Object.keys(await namesIn(few)), ['apple', 'both', 'fruit'])
})

test('a label selects the images of its descendants, and keeps its position in the hierarchy', async () => {
  const dataset = await fruitWith(['thing', 'apple'], false)
  assert.deepEqual(dataset.labels.labels[1], { id: 1, name: 'apple', parents: [0] })
  assert.deepEqual(await namesIn(dataset), {
    apple: ['apple', 'thing'],
    both: ['apple', 'thing'],
    fruit: ['thing'],
    tool: ['thing'],
  })
})

test('the labels are matched with the classes of the job by name', async () => {
  const classes: Class[] = ['tool', 'apple'].map((name, id) => ({ id, name, parents: [] }))
  const dataset = (await fruitWith(['apple', 'tool'], false)).withClasses(classes)
  assert.deepEqual(await namesIn(dataset), { apple: ['apple'], both: ['apple', 'tool'], tool: ['tool'] })
  const whole = (await fruitWith(['tool'], true)).withClasses(FRUIT)
  assert.deepEqual(Object.keys(await namesIn(whole)), ['both', 'tool'])
})

test('class folders support label subsets too', async () => {
  const folder = inside(root)
  const files = { 'ant/1.png': await png(1), 'bee/1.png': await png(2), 'cat/1.png': await png(3) }
  const config: DataConfig = await writeImages(folder, files)
  const labelSubset = { names: ['cat', 'ant'], keepOtherLabels: false }
  assert.deepEqual(await namesIn(await openClassDataset(folder, { ...config, labelSubset })), {
    'ant/1.png': ['ant'],
    'cat/1.png': ['cat'],
  })
})

test('a name that is not a label is refused with the spelling of the data', () =>
  assert.rejects(fruitWith(['Apple', 'pear'], false), { code: 'LABEL_UNKNOWN', message: /"Apple", "pear".*"apple"/ }))
