import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, rmSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { suite, test } from 'node:test'
import type { ConvertOptions } from '../../../../src/data/convert/conversion.ts'
import { convertData } from '../../../../src/data/convert/convert.ts'
import { isTemporary } from '../../../../src/data/convert/shard-file.ts'
import { CANNOT_MOUNT, mountSmallDisk } from '../../../support/small-disk.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { inside, png, records, writeRecords } from '../builders.ts'
import { convertUpTo, filesIn, OPTIONS } from './builders.ts'

const root = temporaryFolder()
const BIN = resolve('bin/downpour')
const IMAGES = 24
const PER_SHARD = 4
/** A time that can be set again exactly. */
const WRITTEN_SECONDS = 1_700_000_000

/** Class folders: 24 images in 6 shards. */
const source = inside(root)
for (let i = 0; i < IMAGES; i++) {
  await mkdir(join(source, i % 2 ? 'ant' : 'bee'), { recursive: true })
  const path = join(source, i % 2 ? 'ant' : 'bee', `${i}.png`)
  await writeFile(path, await png(i))
  await utimes(path, WRITTEN_SECONDS, WRITTEN_SECONDS)
}

function optionsFor(out: string): ConvertOptions {
  return { ...OPTIONS, folder: source, format: 'imagenet-folder', out, size: { imagesPerShard: PER_SHARD } }
}

const newOut = () => join(inside(root), 'out')
const uninterrupted = newOut()
await convertData(optionsFor(uninterrupted))
const EXPECTED = await filesIn(uninterrupted)

test('a conversion that is stopped anywhere and repeated leaves the same bytes as one without a stop', async () => {
  for (const images of [1, 3, 4, 5, 12, 23]) {
    const out = newOut()
    assert.ok(await convertUpTo(images, optionsFor(out)))
    assert.ok(
      (await readdir(out)).every((name) => !name.endsWith('.tmp')),
      'no unfinished file is left',
    )
    const { resumedShards } = await convertData(optionsFor(out))
    assert.ok(Math.abs(resumedShards - images / PER_SHARD) <= 1, `${resumedShards} shards after ${images} images`)
    assert.deepEqual(await filesIn(out), EXPECTED)
  }
})

test('many stops one after the other leave the same bytes, and complete shards are not written again', async () => {
  const out = newOut()
  let stops = 0
  let inode: number | undefined
  for (let images = 5; await convertUpTo(images, optionsFor(out)); images += 3) {
    stops++
    const first = (await stat(join(out, Object.keys(EXPECTED).find((name) => name.includes('-00000-of-')) as string)))
      .ino
    inode ??= first
    assert.equal(first, inode)
  }
  assert.ok(stops > 3)
  assert.deepEqual(await filesIn(out), EXPECTED)
})

test('a complete conversion is not repeated', async () => {
  const { resumedShards, counts } = await convertData(optionsFor(uninterrupted))
  assert.deepEqual([resumedShards, counts.images], [IMAGES / PER_SHARD, IMAGES])
  assert.deepEqual(await filesIn(uninterrupted), EXPECTED)
})

test('a shard that was deleted or cut off is written again', async () => {
  const out = newOut()
  await convertData(optionsFor(out))
  const names = Object.keys(EXPECTED).filter((name) => name.includes('-of-'))
  await rm(join(out, names[1] as string))
  await truncate(join(out, names[4] as string), 10)
  const { resumedShards } = await convertData(optionsFor(out))
  assert.equal(resumedShards, names.length - 2)
  assert.deepEqual(await filesIn(out), EXPECTED)
})

test('two runs at once do not mix their bytes: the one whose file the other removed ends', async () => {
  const out = newOut()
  let other: Promise<unknown> | undefined
  const onProgress = (done: number) => {
    if (done === 6) other = convertData(optionsFor(out))
  }
  const results = await Promise.allSettled([convertData({ ...optionsFor(out), onProgress })])
  await Promise.allSettled([other])
  const [first] = results
  const code = first?.status === 'rejected' ? first.reason.code : 'none'
  assert.ok(['none', 'CONVERT_CONCURRENT'].includes(code), code)
  await convertData(optionsFor(out))
  assert.deepEqual(await filesIn(out), EXPECTED)
})

test('a file that is removed while it is written ends the conversion with the reason', async () => {
  const out = newOut()
  const onProgress = (done: number) => {
    if (done === 6) for (const name of readdirSync(out).filter(isTemporary)) rmSync(join(out, name))
  }
  const options = { ...optionsFor(out), onProgress }
  await assert.rejects(convertData(options), { code: 'CONVERT_CONCURRENT', message: /-00001-of-.*another conversion/ })
  await convertData(optionsFor(out))
  assert.deepEqual(await filesIn(out), EXPECTED)
})

test('a conversion that is killed goes on, and leaves the same bytes', { timeout: 120_000 }, async () => {
  const out = newOut()
  const args = [
    BIN,
    'data',
    'convert',
    source,
    '--to',
    'tfrecord',
    '--out',
    out,
    '--images-per-shard',
    String(PER_SHARD),
  ]
  for (const percent of [20, 50, 80]) {
    const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let printed = ''
    child.stdout?.on('data', (part) => {
      printed += part
      if (printed.includes(`(${percent}%)`)) child.kill('SIGKILL')
    })
    await once(child, 'exit')
    assert.ok((await readdir(out)).includes('conversion.json'))
  }
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  assert.deepEqual(await once(child, 'exit'), [0, null])
  assert.deepEqual(await filesIn(out), EXPECTED)
})

test('Ctrl-C leaves complete shards, and says how to go on', { timeout: 60_000 }, async () => {
  const folder = inside(root)
  await writeRecords(folder, [records('a', 2000)])
  const out = newOut()
  const args = [BIN, 'data', 'convert', folder, '--to', 'tfrecord', '--out', out, '--images-per-shard', '100']
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout?.on('data', (part) => {
    const isFirst = !printed.includes('(20%)')
    printed += part
    // A second signal would end the program at once.
    if (isFirst && printed.includes('(20%)')) child.kill('SIGINT')
  })
  const [code] = await once(child, 'exit')
  assert.equal(code, 130)
  assert.match(printed, /stopped; [1-9]\d* of 20 shards are complete; run the same command again to go on\n$/)
  assert.ok((await readdir(out)).every((name) => !name.endsWith('.tmp')))
})

suite('a conversion does not go on, and nothing is changed, when', () => {
  const stopped = async (images = 9) => {
    const out = newOut()
    await convertUpTo(images, optionsFor(out))
    return out
  }
  const refused = async (out: string, options: Partial<ConvertOptions>, message: RegExp) => {
    const before = await filesIn(out)
    await assert.rejects(convertData({ ...optionsFor(out), ...options }), { code: 'CONVERT_DIFFERS', message })
    assert.deepEqual(await filesIn(out), before)
  }

  test('an option is another', async () => {
    const out = await stopped()
    await refused(
      out,
      { size: { shards: 3 } },
      /the number of shards was 6 and is 3 \(--shards, --images-per-shard\)\. Choose another folder, or delete this one/,
    )
    await refused(out, { name: 'other' }, /--name was ".*" and is "other"/)
    await refused(out, { masks: true }, /--masks was false and is true/)
  })

  test('a file of the source has changed', async () => {
    const out = await stopped()
    const path = join(source, 'ant', '1.png')
    await utimes(path, WRITTEN_SECONDS, WRITTEN_SECONDS + 2)
    await refused(out, {}, /has 2 shards of another conversion: files in ant of the source have changed\./)
    await utimes(path, WRITTEN_SECONDS, WRITTEN_SECONDS)
    await convertData(optionsFor(out))
    assert.deepEqual(await filesIn(out), EXPECTED)
  })

  test('a file was added to the source', async () => {
    const out = await stopped()
    const path = join(source, 'bee', 'new.png')
    await writeFile(path, await png(1))
    await refused(out, { size: { shards: IMAGES / PER_SHARD } }, /files in bee of the source have changed/)
    await rm(path)
  })

  test('the state is damaged', async () => {
    const out = await stopped()
    const path = join(out, 'conversion.json')
    const text = await readFile(path, 'utf8')
    for (const damaged of [text.slice(0, 50), '{}', text.replace('"images"', '"pictures"')]) {
      await writeFile(path, damaged)
      await assert.rejects(convertData(optionsFor(out)), {
        code: 'CONVERT_STATE_INVALID',
        message: /delete the folder/,
      })
    }
  })
})

test('a full disk ends it with a message, and it goes on when there is room', { skip: CANNOT_MOUNT }, async () => {
  const disk = mountSmallDisk(join(inside(root), 'disk'), '64k')
  try {
    const out = join(disk.folder, 'out')
    const folder = inside(root)
    // Noise, which does not shrink, so that six shards do not fit.
    await writeRecords(folder, [records('a', IMAGES)])
    const wide = { ...optionsFor(out), folder, format: 'tfrecord' } as const
    const roomy = newOut()
    await convertData({ ...wide, out: roomy, name: 'a' })
    disk.fill()
    await assert.rejects(convertData({ ...wide, name: 'a' }), {
      code: 'DATA_OUT_UNUSABLE',
      message: /no space is left/,
    })
    disk.free()
    const stop = await convertUpTo(9, { ...wide, name: 'a' })
    assert.ok(stop)
    disk.fill()
    await assert.rejects(convertData({ ...wide, name: 'a' }), {
      code: 'DATA_OUT_UNUSABLE',
      message: /no space is left on the device; 2 of 6 shards are complete\. Make room, and run the same command again/,
    })
    disk.free()
    disk.grow('8m')
    await convertData({ ...wide, name: 'a' })
    assert.deepEqual(await filesIn(out), await filesIn(roomy))
  } finally {
    disk.unmount()
  }
})
