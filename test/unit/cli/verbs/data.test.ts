import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { appendFile, readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { Command } from 'commander'
import sharp from 'sharp'
import { register } from '../../../../src/cli/verbs/data.ts'
import { eventually } from '../../../support/eventually.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { encodeRecord, FRUIT, inside, png, records, writeImages, writeRecords } from '../../data/builders.ts'

const root = temporaryFolder()
const BIN = resolve('bin/downpour')
const SMALL = [
  '--images',
  '30',
  '--evaluation-images',
  '5',
  '--downstream-train-per-class',
  '1',
  '--downstream-val-per-class',
  '1',
]

/** Runs the verb in this process. @returns its output and the exit code that it set */
async function downpour(args: readonly string[], isTTY = false): Promise<{ text: string; code: number }> {
  let text = ''
  const program = new Command().exitOverride().configureOutput({ writeErr: () => {} })
  register(program.command('data'), { out: { isTTY, write: (part) => (text += part) } })
  for (const data of program.commands)
    for (const verb of data.commands) verb.exitOverride().configureOutput({ writeErr: () => {} })
  try {
    await program.parseAsync(['data', ...args], { from: 'user' })
    return { text, code: Number(process.exitCode ?? 0) }
  } finally {
    process.exitCode = 0
  }
}

test('make prints plain lines into a pipe, and inspect counts what it generated', async () => {
  const out = join(inside(root), 'set')
  const made = await downpour(['make', 'jft-mini', '--out', out, '--seed', '4', ...SMALL])
  assert.equal(made.code, 0)
  assert.match(made.text, /^7 of 75 pictures \(9%\)|^8 of 75 pictures \(10%\)/)
  assert.ok(made.text.endsWith(`75 of 75 pictures (100%)\nmade jft-mini (seed 4) in ${out}\n`))
  assert.ok(!made.text.includes('\r'))
  const seen = await downpour(['inspect', join(out, 'pretrain')])
  assert.equal(seen.code, 0)
  assert.match(seen.text, /pretrain: tfrecord, 16 files, 30 records, 0 damaged/)
  assert.match(seen.text, /labels: 144 in a hierarchy of depth 10, 1\.\d\d per image/)
  assert.match(seen.text, /wrong labels: \d+\.\d% of those stored/)
  assert.match(seen.text, /never seen: \d+ labels/)
  assert.match((await downpour(['inspect', join(out, 'downstream/val')])).text, /imagenet-folder, 20 files, 20 records/)
})

test('make redraws one line on a terminal', async () => {
  const { text } = await downpour(['make', 'jft-mini', '--out', join(inside(root), 'set'), ...SMALL], true)
  assert.match(text, /\r.*75 of 75 pictures \(100%\)\nmade jft-mini/)
})

test('inspect counts stored labels, most frequent first, and names labels that are never seen', async () => {
  const folder = inside(root)
  await writeRecords(folder, [[...records('a', 3), { id: 'b', labels: [3, 1] }]])
  const { text } = await downpour(['inspect', folder])
  assert.match(text, /1 file, 4 records, 0 damaged/)
  assert.match(text, /labels: 4 in a hierarchy of depth 3, 1\.25 per image/)
  assert.match(text, /most frequent:\n +3 +#{30} +apple \(2\)\n +1 +#{10} +fruit \(1\)\n +1 +#{10} +tool \(3\)\n/)
  assert.match(text, /never seen: 1 labels\n {2}thing \(0\)\n/)
  assert.ok(!text.includes('wrong labels'), 'these records do not have the true labels')
})

test('inspect names damaged records by file and offset, and exits with 1', async () => {
  const folder = inside(root)
  await writeRecords(folder, [records('a', 1)])
  const file = join(folder, 'x-00000.tfrecord')
  const good = (await readFile(file)).length
  const bad = await encodeRecord({ id: 'bad', labels: [2], encoded: Buffer.from('no picture') })
  const strange = await encodeRecord({ id: 'strange', labels: [44] })
  await appendFile(file, Buffer.concat([bad, strange, Buffer.from('torn')]))
  const { text, code } = await downpour(['inspect', folder])
  assert.equal(code, 1)
  assert.match(text, /1 file, 4 records, 3 damaged/)
  assert.ok(text.includes(`${file} at byte ${good}, image bad: `), text)
  assert.ok(
    text.includes(`${file} at byte ${good + bad.length}, image strange: label 44 is not in the labels file`),
    text,
  )
  assert.ok(
    text.includes(`${file} at byte ${good + bad.length + strange.length}: file ends inside a record header`),
    text,
  )
})

test('--limit reads only the first records', async () => {
  const folder = inside(root)
  await writeRecords(folder, [records('a', 5), records('b', 5)])
  const { text } = await downpour(['inspect', folder, '--limit', '3'])
  assert.match(text, /2 files, 3 records/)
  assert.match(text, / 3 +#+ +apple/)
})

test('--samples writes a contact sheet and an index with the names of the labels', async () => {
  const folder = inside(root)
  const samples = join(folder, 'samples')
  await writeRecords(folder, [
    [
      { id: 'red', labels: [2], encoded: await png(255) },
      { id: 'dark', labels: [3, 1], encoded: await png(0) },
    ],
  ])
  await downpour(['inspect', folder, '--samples', samples])
  assert.equal(
    await readFile(join(samples, 'index.txt'), 'utf8'),
    'row 1 column 1\tred\tapple\nrow 1 column 2\tdark\ttool, fruit\n',
  )
  const { data, info } = await sharp(join(samples, 'contact-sheet.png')).raw().toBuffer({ resolveWithObject: true })
  assert.deepEqual([info.width, info.height], [200, 100])
  const redAt = (x: number) => data[(50 * info.width + x) * info.channels]
  assert.deepEqual([redAt(50), redAt(150)], [255, 0])
})

test('--format and --labels set the format and the labels file', async () => {
  const folder = inside(root)
  await writeImages(folder, { 'apple/1.png': await png(1), 'names.json': Buffer.from(JSON.stringify(FRUIT)) })
  const { text } = await downpour(['inspect', folder, '--format', 'imagenet-folder', '--labels', 'names.json'])
  assert.match(text, /labels: 4 in a hierarchy of depth 3/)
})

test('inspect refuses a missing folder, and one of unknown format with a list of its contents', async () => {
  const folder = inside(root)
  await assert.rejects(downpour(['inspect', join(folder, 'gone')]), {
    code: 'DATA_MISSING',
    message: /gone: no such folder/,
  })
  await writeImages(folder, { 'pretrain/x': Buffer.alloc(0), 'evaluation/y': Buffer.alloc(0) })
  await assert.rejects(downpour(['inspect', folder]), {
    code: 'DATA_FORMAT_UNKNOWN',
    message: /has no data set; inside are evaluation, pretrain\. Expected one of: .*class folders with pictures/,
  })
})

test('inspect of the output of `data make` reads every data set in it', async () => {
  const out = join(inside(root), 'set')
  await downpour(['make', 'jft-mini', '--out', out, ...SMALL])
  const { text, code } = await downpour(['inspect', out])
  assert.equal(code, 0, text)
  assert.deepEqual(text.match(/^\/.*(?=, \d+ damaged$)/gm), [
    `${out}/downstream/train: imagenet-folder, 20 files, 20 records`,
    `${out}/downstream/val: imagenet-folder, 20 files, 20 records`,
    `${out}/evaluation: tfrecord, 5 files, 5 records`,
    `${out}/pretrain: tfrecord, 16 files, 30 records`,
  ])
})

test('inspect lists files that are passed over, and exits with 2 if one looks like data, otherwise with 0', async () => {
  const folder = inside(root)
  const harmless = { 'ant/1.png': await png(1), 'bee/1.png': await png(1), 'readme.md': Buffer.from('x') }
  await writeImages(folder, {
    ...harmless,
    '.ipynb_checkpoints/1.png': await png(1),
    'ant/Thumbs.db': Buffer.from('x'),
  })
  const quiet = await downpour(['inspect', folder])
  assert.equal(quiet.code, 0)
  assert.ok(
    quiet.text.includes(
      'passed over:\n    2 files of a system or a tool, e.g. .ipynb_checkpoints\n    1 other files, e.g. readme.md\n',
    ),
    quiet.text,
  )
  await writeImages(folder, { 'bee/\u001b[31m.jpg.part': await png(1) })
  const loud = await downpour(['inspect', folder])
  assert.equal(loud.code, 2)
  assert.ok(
    loud.text.includes('passed over:\n  ! 1 unfinished downloads or copies, e.g. bee/\\u001b[31m.jpg.part\n'),
    loud.text,
  )
  await writeImages(folder, { 'bee/2.jpg': Buffer.from('no picture') })
  assert.equal((await downpour(['inspect', folder])).code, 1)
})

test('inspect selects shards by a pattern, and reports a shard without records', async () => {
  const folder = inside(root)
  await writeRecords(folder, [])
  const [one, two] = [await encodeRecord({ id: 'a', labels: [2] }), await encodeRecord({ id: 'b', labels: [3] })]
  await writeImages(folder, { 'train-0-of-2': one, 'train-1-of-2': Buffer.alloc(0), 'validation-0-of-1': two })
  await assert.rejects(downpour(['inspect', folder]), { code: 'DATA_SHARDS_MIXED' })
  const { text, code } = await downpour(['inspect', folder, '--files', 'train-*'])
  assert.equal(code, 2)
  assert.match(text, /2 files, 1 record, 0 damaged/)
  assert.match(text, /! 1 shards without a record, e\.g\. train-1-of-2/)
  assert.match(text, / 1 shards that "files" does not choose, e\.g\. validation-0-of-1/)
})

test('inspect reports a part of a data set that lacks a class of another part', async () => {
  const folder = inside(root)
  const one = await png(1)
  await writeImages(folder, {
    'train/ant/1.png': one,
    'train/bee/1.png': one,
    'val/bee/1.png': one,
    'val/zant/1.png': one,
  })
  const { text, code } = await downpour(['inspect', folder])
  assert.equal(code, 2)
  const lines = [
    `${folder}/train lacks class zant, which those beside it have`,
    `${folder}/val lacks class ant, which those beside it have`,
  ]
  assert.ok(text.endsWith(`${lines.join('\n')}\n`), text)
  const { verdict, differences } = JSON.parse((await downpour(['inspect', folder, '--json'])).text)
  assert.deepEqual([verdict, differences], ['incomplete', lines])
})

test('inspect --json prints one document, also for refused folders', async () => {
  const folder = inside(root)
  await writeImages(folder, {
    'val/ant/1.png': await png(1),
    'train/ant/1.png': await png(1),
    'train/bee/x.part': await png(1),
  })
  const { text, code } = await downpour(['inspect', folder, '--json'])
  assert.equal(code, 1)
  const { verdict, dataSets } = JSON.parse(text)
  assert.equal(verdict, 'refused')
  assert.deepEqual(Object.keys(dataSets[0]), ['verdict', 'folder', 'error'])
  assert.equal(dataSets[0].error.code, 'DATA_NO_PICTURES')
  assert.ok(!('wrongShare' in dataSets[1].labels), 'unknown without the right labels')
  assert.deepEqual(
    { ...dataSets[1], labels: dataSets[1].labels.seen },
    {
      verdict: 'whole',
      folder: join(folder, 'val'),
      format: 'imagenet-folder',
      files: 1,
      records: 1,
      damaged: 0,
      problems: [],
      passedOver: [],
      annotates: 'classes',
      labels: [{ id: 0, name: 'ant', count: 1 }],
    },
  )
  const missing = await downpour(['inspect', join(folder, 'gone'), '--json'])
  assert.equal(missing.code, 1)
  assert.equal(JSON.parse(missing.text).dataSets[0].error.code, 'DATA_MISSING')
})

test('an unusable folder for samples is refused before any record is read', { timeout: 20_000 }, async () => {
  const folder = inside(root)
  await writeImages(folder, { 'ant/1.png': await png(1) })
  const elsewhere = inside(root)
  await writeImages(elsewhere, { file: Buffer.from('x'), 'taken/contact-sheet.png/x': Buffer.from('x') })
  for (const bad of [
    join(elsewhere, 'file'),
    join(elsewhere, 'file/sub'),
    join(elsewhere, 'taken'),
    '/proc/x',
    '/proc/x/y',
    `/tmp/${'x'.repeat(300)}`,
  ])
    await assert.rejects(downpour(['inspect', folder, '--samples', bad]), {
      name: 'DownpourError',
      code: 'SAMPLES_UNUSABLE',
      message: /^--samples "/,
    })
  await assert.rejects(downpour(['inspect', folder, '--samples', join(folder, 'samples')]), {
    code: 'SAMPLES_UNUSABLE',
    message: /^--samples /,
  })
  const made = join(elsewhere, 'a/b/c')
  assert.equal((await downpour(['inspect', folder, '--samples', made])).code, 0)
  assert.deepEqual(await readdir(made), ['contact-sheet.png', 'index.txt'])
})

test('an unknown data set and invalid numbers are refused', async () => {
  await assert.rejects(downpour(['make', 'imagenet', '--out', 'x']), {
    message: /Allowed choices are jft-mini, coco-mini/,
  })
  await assert.rejects(downpour(['make', 'jft-mini']), { message: /required option '--out <dir>'/ })
  await assert.rejects(downpour(['make', 'jft-mini', '--out', 'x', '--images', '0']), { message: /expected 1 or more/ })
  await assert.rejects(downpour(['make', 'jft-mini', '--out', 'x', '--val-images', '3']), {
    code: 'DATA_SIZE_UNKNOWN',
    message: /^val-images: jft-mini has no such size; it has images, evaluation-images,/,
  })
  await assert.rejects(downpour(['make', 'jft-mini', '--out', 'x', '--seed', '-1']), {
    message: /expected a whole number/,
  })
})

test('Ctrl-C deletes the unfinished data set', async () => {
  const folder = inside(root)
  const args = ['data', 'make', 'jft-mini', '--out', join(folder, 'set'), '--images', '100000']
  const child: ChildProcess = spawn(process.execPath, [BIN, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout?.on('data', (part) => (printed += part))
  await eventually(() => assert.ok(existsSync(join(folder, 'set.making/pretrain'))), { timeoutMs: 20_000 })
  child.kill('SIGINT')
  const [code] = await once(child, 'exit')
  assert.equal(code, 130)
  assert.match(printed, /stopped; the unfinished data set was deleted/)
  assert.deepEqual(await readdir(folder), [])
})
