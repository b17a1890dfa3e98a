import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { DataConfig } from '../../../src/contract/runtime.ts'
import { openEvaluationSet, settingsOf } from '../../../src/evaluator/evaluation-set.ts'
import { sampled } from '../../../src/evaluator/selection.ts'
import type { Log } from '../../../src/support/log.ts'
import { silentLog } from '../../../src/support/log.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { inside, png, records, writeImages, writeRecords } from '../data/builders.ts'
import { INPUT } from '../input/builders.ts'

const root = temporaryFolder()

interface Settings {
  maxExamples?: number
  exclude?: string
  seed?: number
  log?: Log
  signal?: AbortSignal
}

function open(folder: string, data: DataConfig, { seed = 0, log = silentLog, signal, ...more }: Settings) {
  const evaluation = { data, metric: { name: 'top1', better: 'higher' } as const, batchSize: 1, ...more }
  const task = { type: 'imagenet-classification' }
  return openEvaluationSet(folder, { task, evaluation, seed }, log, signal ? { signal } : {})
}

async function chosen(folder: string, data: DataConfig, settings: Settings): Promise<string[]> {
  const { dataset, selection } = await open(folder, data, settings)
  const found: string[] = []
  const read = sampled(dataset, selection)
  for (const unit of read.units.keys())
    for await (const item of read.read(unit)) found.push(item.type === 'example' ? item.id : item.where)
  return found
}

async function pictures(count: number): Promise<[string, DataConfig]> {
  const folder = inside(root)
  const picture = await png(1)
  const files = Array.from({ length: count }, (_, i) => [`${i % 2 ? 'ant' : 'bee'}/${i}.png`, picture] as const)
  return [folder, await writeImages(folder, Object.fromEntries(files))]
}

test('a sample has images of all units, in the order of the files, and is the same each time', async () => {
  const folder = inside(root)
  const data = await writeRecords(
    folder,
    ['a', 'b', 'c', 'd'].map((name) => records(name, 50)),
  )
  const sample = await chosen(folder, data, { maxExamples: 60 })
  assert.equal(sample.length, 60)
  assert.deepEqual(new Set(sample.map((id) => id[0])), new Set(['a', 'b', 'c', 'd']))
  const all = await chosen(folder, data, {})
  assert.deepEqual(
    sample,
    all.filter((id) => sample.includes(id)),
  )
  assert.deepEqual(await chosen(folder, data, { maxExamples: 60 }), sample)
  assert.notDeepEqual(await chosen(folder, data, { maxExamples: 60, seed: 1 }), sample)
  assert.deepEqual(await chosen(folder, data, { maxExamples: 1000 }), all)
})

test('pictures outside of a sample are not opened', async () => {
  const [folder, data] = await pictures(12)
  const sample = await chosen(folder, data, { maxExamples: 3 })
  assert.equal(sample.length, 3)
  const { dataset, selection } = await open(folder, data, { maxExamples: 3 })
  for (let i = 0; i < 12; i++) {
    const id = `${i % 2 ? 'ant' : 'bee'}/${i}.png`
    if (!sample.includes(id)) await rm(join(folder, id))
  }
  const read = sampled(dataset, selection)
  const found: string[] = []
  for await (const item of read.read(0)) found.push(item.type === 'example' ? item.id : item.reason)
  assert.deepEqual(found, sample, 'a missing picture would be damage')
})

test('ids that are not in the set are counted in a warning; a list of another set is an error', async () => {
  const [folder, data] = await pictures(4)
  const warnings: object[] = []
  const log: Log = { ...silentLog, warn: (facts: object, message: string) => void warnings.push({ ...facts, message }) }
  await writeFile(join(folder, 'list.txt'), 'bee/0.png\nnone/1.png\nnone/2.png\u001b\n')
  const { selection } = await open(folder, data, { exclude: 'list.txt', log })
  assert.ok(selection.excluded?.has('bee/0.png'))
  const message = 'excluded ids are not in the set'
  const first = ['"none/1.png"', '"none/2.png\\u001b"']
  assert.deepEqual(warnings.slice(-1), [{ unknown: 2, listed: 3, first, message }])
  await writeFile(join(folder, 'list.txt'), 'x\ny\n')
  await assert.rejects(open(folder, data, { exclude: 'list.txt' }), {
    code: 'DATA_EXCLUDE_UNKNOWN',
    message: /^spec\.evaluation\.exclude: .*list\.txt: none of its 2 ids is in the evaluation set, e\.g\. "x", "y"/,
  })
})

test('a list that leaves nothing to score is an error, also if it leaves nothing of the sample', async () => {
  const [folder, data] = await pictures(4)
  const write = (ids: readonly string[]) => writeFile(join(folder, 'list.txt'), ids.join('\n'))
  const all = await chosen(folder, data, {})
  await write(all)
  await assert.rejects(open(folder, data, { exclude: 'list.txt' }), {
    code: 'DATA_EXCLUDE_ALL',
    message: /^spec\.evaluation\.exclude: .*list\.txt: lists all 4 images of the evaluation set, so/,
  })
  const sample = await chosen(folder, data, { maxExamples: 2 })
  await write(sample)
  await assert.rejects(open(folder, data, { exclude: 'list.txt', maxExamples: 2 }), {
    code: 'DATA_EXCLUDE_ALL',
    message: /lists all images of the sample \(maxExamples\)/,
  })
  await write(sample.slice(1))
  await open(folder, data, { exclude: 'list.txt', maxExamples: 2 })
  await write([])
  const { selection } = await open(folder, data, { exclude: 'list.txt' })
  assert.equal(selection.excluded?.size, 0, 'an empty list: nothing was found')
})

test('a missing list, and one that is no text, name the field and the file', async () => {
  const [folder, data] = await pictures(2)
  const field = /^spec\.evaluation\.exclude: .*list\.txt: /
  await assert.rejects(open(folder, data, { exclude: 'list.txt' }), { code: 'DATA_MISSING', message: field })
  await writeFile(join(folder, 'list.txt'), await png(1))
  await assert.rejects(open(folder, data, { exclude: 'list.txt' }), { code: 'DATA_EXCLUDE_INVALID', message: field })
})

test('an abort ends the pass over the ids', async () => {
  const folder = inside(root)
  const data = await writeRecords(folder, [records('a', 2)])
  await assert.rejects(open(folder, data, { maxExamples: 1, signal: AbortSignal.abort() }), { name: 'AbortError' })
})

test('settings differ exactly if a score could differ', async () => {
  const [folder, data] = await pictures(4)
  const digestOf = async (settings: Settings, over = data) => {
    const set = await open(folder, over, settings)
    const evaluation = { data: over, metric: { name: 'top1', better: 'higher' } as const, batchSize: 1, ...settings }
    return settingsOf({ task: INPUT, seed: settings.seed ?? 0, evaluation }, set)
  }
  const whole = await digestOf({})
  assert.equal(await digestOf({ seed: 5 }), whole, 'without a sample the seed does not matter')
  await writeFile(join(folder, 'list.txt'), 'bee/0.png\nbee/2.png\n')
  const excluding = await digestOf({ exclude: 'list.txt' })
  await writeFile(join(folder, 'other.txt'), '# again\nbee/2.png\nbee/0.png\n')
  assert.equal(await digestOf({ exclude: 'other.txt' }), excluding, 'only the ids matter')
  await writeFile(join(folder, 'list.txt'), 'bee/0.png\n')
  const others = [
    await digestOf({ exclude: 'list.txt' }),
    await digestOf({ maxExamples: 2 }),
    await digestOf({ maxExamples: 2, seed: 5 }),
    await digestOf({}, { ...data, subset: { fraction: 0.9, seed: 0 } }),
  ]
  assert.equal(new Set([whole, excluding, ...others]).size, 6)
})
