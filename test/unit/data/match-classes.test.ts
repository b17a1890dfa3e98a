import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Class } from '../../../src/contract/classes.ts'
import type { DataConfig } from '../../../src/contract/runtime.ts'
import { openClassDataset } from '../../../src/data/formats.ts'
import { createLabelMap, flatLabels, type Label, type LabelMap } from '../../../src/data/labels.ts'
import { logMissingClasses, matchClasses } from '../../../src/data/match-classes.ts'
import type { Log } from '../../../src/support/log.ts'
import { silentLog } from '../../../src/support/log.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { collect, FRUIT, inside, png, writeImages, writeRecords } from './builders.ts'

const root = temporaryFolder()
const JOB = flatLabels(['ant', 'bee', 'cat']).labels as Class[]

/** Maps stored ids to ids of the job, with their ancestors. */
function closing(own: LabelMap, classes: readonly Label[]): (ids: number[]) => number[] {
  const job = createLabelMap(classes)
  const toJob = matchClasses(own, job, 'here')
  return (ids) => job.close(toJob(ids))
}

/** Maps the id of each image to the names of its labels by the ids of the job. */
async function namesRead(folder: string, config: DataConfig, classes: readonly Class[]) {
  const dataset = (await openClassDataset(folder, config)).withClasses(classes)
  const items = (await Promise.all(dataset.units.map((_, unit) => collect(dataset.read(unit))))).flat()
  const pairs = items.map((item) => {
    if (item.type === 'corrupt') return assert.fail(item.reason)
    return [item.id, dataset.interpret(item.annotation).labels.map((label) => classes[label]?.name)] as const
  })
  return Object.fromEntries(pairs.sort())
}

test('images of a folder that lacks a class have the ids of the job', async () => {
  const folder = inside(root)
  const config = await writeImages(folder, { 'bee/1.png': await png(10), 'cat/1.png': await png(20) })
  assert.deepEqual(await namesRead(folder, config, JOB), { 'bee/1.png': ['bee'], 'cat/1.png': ['cat'] })
})

test('a class that the job does not have is refused by name', async () => {
  const folder = inside(root)
  const images = { 'zant/1.png': await png(1), 'bee/1.png': await png(1), 'cat/1.png': await png(1) }
  const dataset = await openClassDataset(folder, await writeImages(folder, images))
  assert.throws(() => dataset.withClasses(JOB), {
    code: 'CLASS_UNKNOWN',
    message: /"zant".*"ant", "bee", "cat"/,
  })
})

test('a class with another spelling is refused with the spelling of the job', () => {
  const job = flatLabels(['a', 'b', 'c', 'd', 'e', 'f', 'Big Cat']).labels as Class[]
  for (const name of ['big cat', 'Big  Cat ', 'Big\u200b Cat', 'BIG CAT'])
    assert.throws(() => closing(flatLabels([name]), job), {
      code: 'CLASS_UNKNOWN',
      message: /and one is "Big Cat"/,
    })
})

test('records are matched by the names of their labels file, in any order of the file', async () => {
  const order = [3, 2, 0, 1]
  const placeOf = (id: number) => order.indexOf(id)
  const shuffled: Label[] = order.map((id, place) => {
    const { name, parents } = FRUIT[id] as Label
    return { id: place, name, parents: parents.map(placeOf) }
  })
  const folder = inside(root)
  const records = [
    { id: 'a', labels: [placeOf(2)] },
    { id: 'b', labels: [placeOf(3)] },
  ]
  const config = await writeRecords(folder, [records], shuffled)
  const names = await namesRead(folder, config, FRUIT)
  assert.deepEqual(names, { a: ['apple', 'thing', 'fruit'], b: ['tool', 'thing'] })
})

test('class folders with a labels file in another order are mapped too', async () => {
  const folder = inside(root)
  const images = await writeImages(folder, { 'ant/1.png': await png(1), 'cat/1.png': await png(2) })
  await writeFile(join(folder, 'labels.json'), JSON.stringify(flatLabels(['cat', 'bee', 'ant']).labels))
  const names = await namesRead(folder, { ...images, labels: 'labels.json' }, JOB)
  assert.deepEqual(names, { 'ant/1.png': ['ant'], 'cat/1.png': ['cat'] })
})

test('the objects of a generated image have ids of the job too, without ancestors', async () => {
  const folder = inside(root)
  const dataset = await openClassDataset(
    folder,
    await writeRecords(folder, [[{ id: 'a', labels: [3], truth: [2, 3] }]]),
  )
  const last = FRUIT.length - 1
  const reversed = FRUIT.map(({ name, parents }) => ({ name, parents: parents.map((id) => last - id) })).reverse()
  const job = dataset.withClasses(reversed.map((label, id) => ({ id, ...label })))
  const [item] = await collect(job.read(0))
  assert.ok(item?.type === 'example')
  assert.deepEqual(job.interpret(item.annotation), { labels: [0, 3], truth: [1, 0] })
  assert.deepEqual(dataset.interpret(item.annotation), { labels: [3, 0], truth: [2, 3] })
})

test('an id outside of the labels file is refused, not mapped', async () => {
  const folder = inside(root)
  const config = await writeRecords(folder, [[{ id: 'a', labels: [9] }]])
  await assert.rejects(namesRead(folder, config, FRUIT), { code: 'LABEL_UNKNOWN', message: /label 9 / })
})

test('names are equal in every unicode normal form of their accents', () => {
  const job = flatLabels(['caf\u00e9', 'tea']).labels as Class[]
  const own = flatLabels(['tea', 'cafe\u0301'])
  assert.deepEqual(
    [0, 1].map((id) => closing(own, job)([id])),
    [[1], [0]],
  )
})

test('a label keeps its name in any order of classes and with any of them missing', () => {
  const all = ['ant', 'bee', 'cat', 'dog', 'elk']
  fc.assert(
    fc.property(fc.shuffledSubarray(all), fc.shuffledSubarray(all, { minLength: 5 }), (own, ofJob) => {
      const job = flatLabels(ofJob).labels as Class[]
      const close = closing(flatLabels(own), job)
      const names = own.map((_, id) => close([id]).map((one) => job[one]?.name))
      assert.deepEqual(
        names,
        own.map((name) => [name]),
      )
    }),
  )
})

test('another hierarchy is refused with the label; one with missing labels, or none, matches the job', () => {
  const of = (...labels: [string, number[]][]) =>
    createLabelMap(labels.map(([name, parents], id) => ({ id, name, parents })))
  const check = (own: ReturnType<typeof of>) => closing(own, FRUIT)
  assert.throws(() => check(of(['thing', []], ['fruit', []], ['apple', [0]])), {
    code: 'HIERARCHY_DIFFERS',
    message: /"fruit".*"thing"/,
  })
  assert.deepEqual(check(of(['apple', [1]], ['thing', []]))([0]), [2, 0, 1], 'fruit is not in the file')
  assert.deepEqual(check(of(['tool', []], ['apple', []]))([1]), [2, 0, 1], 'an absent hierarchy matches')
})

test('a repeated name in a labels file is refused with both ids', async () => {
  for (const again of ['crane', 'cra\u0301ne'.normalize('NFD')]) {
    const names = again === 'crane' ? ['crane', 'bee', again] : ['cr\u00e1ne', 'bee', again]
    const labels = names.map((name, id) => ({ id, name, parents: [] }))
    const folder = inside(root)
    const config = await writeRecords(folder, [[{ id: 'a', labels: [0] }]], labels)
    await assert.rejects(openClassDataset(folder, config), {
      code: 'LABELS_INVALID',
      message: /labels 0 and 2 /,
    })
  }
})

test('classes that a folder lacks are logged in one line; a labels file with an additional class is refused', () => {
  const logged: object[] = []
  const log: Log = { ...silentLog, warn: (facts: object) => void logged.push(facts) }
  const many = Array.from({ length: 12 }, (_, i) => `c${i}`)
  logMissingClasses(flatLabels(['c3']).labels, flatLabels(many).labels as Class[], 'here', log)
  assert.deepEqual(logged, [{ where: 'here', missing: '"c0", "c1", "c2", "c4", "c5" and 6 more', count: 11 }])
  logMissingClasses(JOB, JOB, 'here', log)
  assert.equal(logged.length, 1)
  const gained = flatLabels(['ant', 'bee', 'cat', 'dog']).labels
  assert.throws(() => logMissingClasses(gained, JOB, 'here', log), { code: 'CLASS_UNKNOWN', message: /"dog"/ })
})
