import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { DATA_KINDS } from '../../../../src/data/generate/kinds.ts'
import { makeDataSet } from '../../../../src/data/generate/make-data-set.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { inside } from '../builders.ts'

const root = temporaryFolder()
const SMALL = { images: 40, evaluationImages: 5, downstreamTrainPerClass: 1, downstreamValPerClass: 1 }

/** Maps the path of every file to its hash. */
async function hashes(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
  const hash = async (file: string) =>
    createHash('sha256')
      .update(await readFile(file))
      .digest('hex')
  return Object.fromEntries(await Promise.all(files.map(async (file) => [file.slice(folder.length), await hash(file)])))
}

test('the same seed gives the same bytes, another seed gives other bytes', async () => {
  const folder = inside(root)
  const made = async (name: string, seed: number) => {
    await makeDataSet('jft-mini', { sizes: SMALL, out: join(folder, name), seed })
    return hashes(join(folder, name))
  }
  const first = await made('a', 1)
  assert.equal(Object.keys(first).length, 16 + 5 + 2 * 20 + 3)
  assert.deepEqual(await made('b', 1), first)
  assert.notDeepEqual(await made('c', 2), first)
})

test('a larger set starts with the same images', async () => {
  const folder = inside(root)
  await makeDataSet('jft-mini', { sizes: SMALL, out: join(folder, 'few'), seed: 3 })
  await makeDataSet('jft-mini', { out: join(folder, 'many'), seed: 3, sizes: { ...SMALL, downstreamTrainPerClass: 2 } })
  const [few, many] = [await hashes(join(folder, 'few')), await hashes(join(folder, 'many'))]
  const same = Object.entries(few).filter(([name]) => name.startsWith('/downstream/'))
  assert.ok(same.length === 40 && same.every(([name, hash]) => many[name] === hash))
})

test('a folder with files is refused, an empty one is filled', async () => {
  const out = inside(root)
  await writeFile(join(out, 'mine'), 'do not touch')
  await assert.rejects(makeDataSet('jft-mini', { sizes: SMALL, out, seed: 1 }), {
    code: 'DATA_OUT_NOT_EMPTY',
    message: /--out .*: is not empty/,
  })
  assert.deepEqual(await readdir(out), ['mine'])
  const empty = join(out, 'new', 'set', '/')
  await mkdir(empty, { recursive: true })
  await makeDataSet('jft-mini', { sizes: SMALL, out: empty, seed: 1 })
  assert.ok((await readdir(empty)).includes('dataset.json'))
})

test('the root of a volume is filled in place, even with lost+found and files of a killed run', async () => {
  const out = inside(root)
  const { ino } = await stat(out)
  for (const name of ['lost+found', '@eaDir', '.snapshot']) await mkdir(join(out, name))
  await mkdir(join(out, '.making/pretrain'), { recursive: true })
  await writeFile(join(out, '.making/pretrain/half'), 'made')
  await makeDataSet('jft-mini', { sizes: SMALL, out, seed: 1 })
  assert.equal((await stat(out)).ino, ino)
  const names = ['.snapshot', '@eaDir', 'dataset.json', 'downstream', 'evaluation', 'lost+found', 'pretrain']
  assert.deepEqual((await readdir(out)).sort(), names)
  assert.ok(!(await readdir(join(out, 'pretrain'))).includes('half'))
})

test('a file at the path is refused and stays', async () => {
  const out = join(inside(root), 'file')
  await writeFile(out, 'mine')
  await assert.rejects(makeDataSet('jft-mini', { sizes: SMALL, out, seed: 1 }), {
    code: 'DATA_OUT_UNUSABLE',
    message: /is a file/,
  })
  assert.equal(await readFile(out, 'utf8'), 'mine')
})

test('an aborted generation leaves no files', async () => {
  const folder = inside(root)
  const stop = new AbortController()
  const onProgress = (done: number) => {
    if (done === 50) stop.abort()
  }
  const made = makeDataSet('jft-mini', {
    sizes: SMALL,
    out: join(folder, 'set'),
    seed: 1,
    onProgress,
    signal: stop.signal,
  })
  await assert.rejects(made, { name: 'AbortError' })
  assert.deepEqual(await readdir(folder), [])
})

test('the next run removes the files of a killed one', async () => {
  const folder = inside(root)
  await mkdir(join(folder, 'set.making/pretrain'), { recursive: true })
  await writeFile(join(folder, 'set.making/pretrain/half'), 'made')
  await makeDataSet('jft-mini', { sizes: SMALL, out: join(folder, 'set'), seed: 1 })
  assert.deepEqual(await readdir(folder), ['set'])
  assert.ok(!(await readdir(join(folder, 'set/pretrain'))).includes('half'))
})

test('progress counts every image up to the total', async () => {
  const seen: [number, number][] = []
  await makeDataSet('jft-mini', {
    sizes: SMALL,
    out: join(inside(root), 'set'),
    seed: 1,
    onProgress: (...now) => seen.push(now),
  })
  assert.equal(seen.length, 40 + 5 + 2 * 20)
  assert.deepEqual(seen.at(-1), [85, 85])
})

test('every kind gives the same bytes for the same seed, and counts its pictures', async () => {
  for (const { name, sizes, withSizes } of DATA_KINDS) {
    const few = Object.fromEntries(Object.keys(sizes).map((size) => [size, 2]))
    const folder = inside(root)
    let counted = 0
    const make = (out: string, seed: number) =>
      makeDataSet(name, { out: join(folder, out), seed, sizes: few, onProgress: () => counted++ })
    await make('a', 1)
    assert.equal(counted, withSizes(few).pictures, name)
    await make('b', 1)
    await make('c', 2)
    const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((out) => hashes(join(folder, out))))
    assert.deepEqual(a, b, name)
    assert.notDeepEqual(a, c, name)
  }
})

test('an unknown kind or size is refused before anything is written', async () => {
  const out = join(inside(root), 'set')
  await assert.rejects(makeDataSet('coco', { out, seed: 1 }), {
    code: 'DATA_KIND_UNKNOWN',
    message: /^coco: expected "jft-mini", "coco-mini"/,
  })
  await assert.rejects(makeDataSet('coco-mini', { out, seed: 1, sizes: { images: 3 } }), {
    code: 'DATA_SIZE_UNKNOWN',
    message: /^images: coco-mini has no such size; it has train-images, val-images$/,
  })
  await assert.rejects(makeDataSet('coco-mini', { out, seed: 1, sizes: { valImages: 0 } }), {
    code: 'DATA_SIZE_INVALID',
  })
  assert.ok(!(await readdir(dirname(out))).length)
})
