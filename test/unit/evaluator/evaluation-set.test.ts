import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { encodeClasses } from '../../../src/contract/classes.ts'
import type { DataConfig } from '../../../src/contract/runtime.ts'
import { flatLabels } from '../../../src/data/labels.ts'
import { compareOnce, openEvaluationSet } from '../../../src/evaluator/evaluation-set.ts'
import { silentLog } from '../../../src/support/log.ts'
import { recordedLog } from '../../support/recorded-log.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { inside, png, writeImages, writeRecords } from '../data/builders.ts'

const root = temporaryFolder()
const listOf = (...names: string[]) =>
  encodeClasses(flatLabels(names).labels.map((label) => ({ ...label, parents: [] })))

function open(
  folder: string,
  data: DataConfig,
  log = silentLog,
  more: { maxExamples?: number; exclude?: string } = {},
) {
  return openEvaluationSet(
    folder,
    {
      task: { type: 'imagenet-classification' },
      evaluation: { data, metric: { name: 'top1', better: 'higher' }, batchSize: 1, ...more },
      seed: 0,
    },
    log,
  )
}

async function pictures(...classes: string[]): Promise<[string, DataConfig]> {
  const folder = inside(root)
  const files = await Promise.all(classes.map(async (name) => [`${name}/1.png`, await png(1)] as const))
  return [folder, await writeImages(folder, Object.fromEntries(files))]
}

test('the evaluator refuses bad evaluation data when it starts, with field and folder', async () => {
  const [folder, data] = await pictures('ant', 'bee')
  const refused = (change: Partial<DataConfig>, code: string) =>
    assert.rejects(open(folder, { ...data, ...change }), (error: Error & { code: string }) => {
      assert.equal(error.code, code)
      assert.ok(error.message.startsWith(`spec.evaluation.data: ${folder}`), error.message)
      return true
    })
  await refused({ path: 'vall' }, 'DATA_MISSING')
  await refused({ path: 'ant/1.png' }, 'DATA_MISSING')
  await refused({ labels: 'labels.json' }, 'DATA_MISSING')
  await refused({ format: 'tfrecord' }, 'DATA_MISSING')
  await refused({ path: 'ant' }, 'DATA_EMPTY')
  const records = inside(root)
  const config = await writeRecords(records, [[{ id: 'a', labels: [0] }]])
  await assert.rejects(open(records, { ...config, format: 'imagenet-folder' }), { code: 'DATA_EMPTY' })
  await rm(join(records, 'labels.json'))
  await assert.rejects(open(records, config), { code: 'DATA_MISSING', message: /^spec.evaluation.data: .*labels.json/ })
})

test('a class that the job does not have, or spells differently, is refused by name', async () => {
  const file = join(inside(root), 'classes.json')
  await writeFile(file, listOf('ant', 'bee').bytes)
  const compare = compareOnce(await open(...(await pictures('ant', 'bee', 'dog'))), file, silentLog)
  await assert.rejects(compare(), {
    code: 'CLASS_UNKNOWN',
    message: /no class named "dog"; its 2 classes are "ant", "bee"/,
  })
})

test('the set is compared with the classes of the running job once, as soon as they exist', async () => {
  const log = recordedLog()
  const file = join(inside(root), 'classes.json')
  const compare = compareOnce(await open(...(await pictures('bee')), log), file, log)
  await compare()
  assert.deepEqual(log.lines, [], 'there is no list yet')
  await writeFile(file, listOf('ant', 'bee').bytes)
  await compare()
  await compare()
  assert.deepEqual(log.lines, ['warn classes of the job are missing in this data'])
  const strange = compareOnce(await open(...(await pictures('zant'))), file, silentLog)
  await assert.rejects(strange(), { code: 'CLASS_UNKNOWN', message: /^spec.evaluation.data: .*no class named "zant"/ })
})

test('an unreadable list of classes is logged once, and compared when it becomes readable', async () => {
  const folder = inside(root)
  const pipe = join(folder, 'pipe.json')
  execFileSync('mkfifo', [pipe])
  const broken = join(folder, 'broken.json')
  await writeFile(broken, '[{"id":0,"name":"ant","parents":[]},{"id":1,"name":"ant","parents":[]}]')
  const set = await open(...(await pictures('zant')))
  for (const file of [pipe, folder, broken]) {
    const log = recordedLog()
    const compare = compareOnce(set, file, log)
    for (let attempt = 0; attempt < 3; attempt++) await compare()
    assert.deepEqual(log.lines, ['warn the list of classes cannot be read now'], file)
  }
  const compare = compareOnce(set, broken, silentLog)
  await compare()
  await writeFile(broken, listOf('ant').bytes)
  await assert.rejects(compare(), { code: 'CLASS_UNKNOWN' })
})
