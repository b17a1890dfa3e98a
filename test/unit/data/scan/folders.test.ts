/** Tests what real folders contain besides images: each file is read, skipped and counted, or refused by name. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import promises, { chmod, mkdir, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import sharp from 'sharp'
import { exitCodeOf } from '../../../../src/contract/exit-codes.ts'
import { EXIT } from '../../../../src/contract/runtime.ts'
import type { ClassLabels, Dataset } from '../../../../src/data/dataset.ts'
import { openClassDataset } from '../../../../src/data/formats.ts'
import type { Kind } from '../../../../src/data/scan/kinds.ts'
import { CorruptionCount } from '../../../../src/input/corruption-count.ts'
import { createExampleReader, examplesOf } from '../../../../src/input/examples.ts'
import { squareCrop } from '../../../../src/input/square-crop.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { collect, FRUIT, inside, png, writeImages } from '../builders.ts'

const root = temporaryFolder()
const config = { path: '.', format: 'imagenet-folder', maxCorruptRecords: 0 } as const
const { decode } = squareCrop({ resizePixels: 4, cropPixels: 4, flip: false, resizeFilter: 'lanczos3' }, () => null)
const NOTHING = Buffer.alloc(0)
const TEXT = Buffer.from('some words\n')
const picture = await png(200)

/** Writes the classes ant, bee and cat with an image each, and the files of the test. */
async function threeClasses(more: Record<string, Uint8Array> = {}): Promise<string> {
  const folder = inside(root)
  await writeImages(folder, { 'ant/1.png': picture, 'bee/1.png': picture, 'cat/1.png': picture, ...more })
  return folder
}

const open = (folder: string) => openClassDataset(folder, config)
const classesOf = ({ labels }: Dataset<ClassLabels>) => labels.labels.map(({ name }) => name)
const kindsOf = ({ passedOver }: Dataset<ClassLabels>) =>
  Object.fromEntries(passedOver.map(({ kind, count, example }) => [kind, `${count} ${example}`]))

async function idsOf(source: Dataset<ClassLabels>): Promise<string[]> {
  const items = (await Promise.all(source.units.map((_, unit) => collect(source.read(unit))))).flat()
  return items.flatMap((item) => (item.type === 'example' ? [item.id] : [])).sort()
}

async function damageOf(source: Dataset<ClassLabels>): Promise<string[]> {
  const damage: string[] = []
  for (const unit of source.units.keys()) {
    for await (const item of source.read(unit)) {
      if (item.type === 'corrupt') damage.push(item.reason)
      else {
        const reader = createExampleReader(
          {
            ...source,
            read: async function* () {
              yield item
            },
          },
          decode,
          new CorruptionCount(0),
        )
        await collect(examplesOf(reader.open(0), 1)).catch((error) => damage.push(error.message))
      }
    }
  }
  return damage
}

const THREE = ['ant/1.png', 'bee/1.png', 'cat/1.png']

suite('a system or tool folder beside or inside of class folders is no class:', () => {
  for (const name of [
    ...['.ipynb_checkpoints', '.git', '.dvc', '.cache', '.huggingface', '.no_exist', '.Spotlight-V100', '.Trashes'],
    ...['.fseventsd', '.snapshot', '.@__thumb', '.AppleDouble', '.Trash-1000', '..data', '..2026_11_28_10_00_00.123'],
    ...['@eaDir', '#recycle', '#snapshot', '~snapshot', '@Recycle', '@Recently-Snapshot', '@tmp', 'lost+found'],
    ...['__MACOSX', '$RECYCLE.BIN', '$Recycle.Bin', 'System Volume Information', 'FOUND.000', '__pycache__'],
  ])
    test(name, async () => {
      const files = { [`${name}/1.png`]: picture, [`${name}/sub/2.png`]: picture, [`bee/${name}/1.png`]: picture }
      const source = await open(await threeClasses(files))
      assert.deepEqual(classesOf(source), ['ant', 'bee', 'cat'])
      assert.deepEqual(await idsOf(source), THREE)
      assert.deepEqual(Object.keys(kindsOf(source)), ['system'])
      assert.equal(source.passedOver[0]?.count, 2)
    })
})

suite('a file that is not an image is skipped and counted by kind:', () => {
  const cases: Record<string, [bytes: Uint8Array, kind: Kind]> = {
    '.DS_Store': [TEXT, 'system'],
    '._1.png': [Buffer.from('\0\x05\x16\x07', 'latin1'), 'system'],
    '.hidden.jpg': [picture, 'system'],
    'Thumbs.db': [picture, 'system'],
    'THUMBS.DB': [picture, 'system'],
    'desktop.ini': [TEXT, 'system'],
    'Icon\r': [NOTHING, 'system'],
    '1.png~': [picture, 'system'],
    'readme.md': [TEXT, 'other'],
    LOC_synset_mapping: [TEXT, 'other'],
    ant_$folder$: [NOTHING, 'other'],
    '2.jpg.lock': [NOTHING, 'other'],
    '2.jpg.dvc': [TEXT, 'other'],
    '2.jpg.part': [picture, 'unfinished'],
    '2.jpg.crdownload': [picture, 'unfinished'],
    '2.JPG.TMP': [picture, 'unfinished'],
    'abc.incomplete': [picture, 'unfinished'],
    'ant.tar': [Buffer.from(`${'\0'.repeat(257)}ustar`), 'archive'],
    'ant.zip': [Buffer.from('PK\x03\x04'), 'archive'],
    download: [Buffer.from('\x1f\x8b\x08', 'latin1'), 'archive'],
    '2.heic': [Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1', 'latin1'), 'unreadPicture'],
    '2.bmp': [Buffer.from('BM1234\0\0\0\0'), 'unreadPicture'],
    '2.nef': [Buffer.from('II*\0'), 'unreadPicture'],
    '2.svg': [Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'unreadPicture'],
    'clip.mp4': [Buffer.from('\0\0\0\x18ftypisom'), 'other'],
  }
  for (const [name, [bytes, kind]] of Object.entries(cases))
    test(`${JSON.stringify(name)} counts as ${kind}`, async () => {
      const source = await open(await threeClasses({ [`ant/${name}`]: bytes, [name]: bytes }))
      assert.deepEqual(classesOf(source), ['ant', 'bee', 'cat'])
      assert.deepEqual(await idsOf(source), THREE)
      const { count, example } = source.passedOver.find((one) => one.kind === kind) ?? {}
      assert.deepEqual([count, example], [2, [name, `ant/${name}`].sort()[0]], JSON.stringify(source.passedOver))
      assert.equal(source.passedOver.length, 1)
    })
})

suite('images are recognised by their content:', () => {
  const canvas = () => sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
  for (const type of ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const)
    test(`${type} with any file name extension`, async () => {
      const bytes = await canvas().toFormat(type).toBuffer()
      const names = [
        `1.${type}`,
        `2.${type.toUpperCase()}`,
        '3',
        '4.dat',
        '5.txt',
        '6.jpg.1',
        '7.JPG_large',
        '8.jpg?size=big',
        '9.heic',
      ]
      const source = await open(await threeClasses(Object.fromEntries(names.map((name) => [`ant/p${name}`, bytes]))))
      const ids = (await idsOf(source)).filter((id) => id.startsWith('ant/p'))
      assert.deepEqual(ids, names.map((name) => `ant/p${name}`).sort())
      assert.deepEqual(await damageOf(source), [])
    })

  test('a text file beside its image is not opened', async (t) => {
    const notes = ['1.txt', '1.json', '1.png.json', '1.XML']
    const folder = await threeClasses(Object.fromEntries(notes.map((name) => [`ant/${name}`, TEXT])))
    const opened = t.mock.method(promises, 'open')
    syncBuiltinESMExports()
    const source = await open(folder)
    t.mock.restoreAll()
    syncBuiltinESMExports()
    assert.equal(opened.mock.callCount(), 0)
    assert.deepEqual(kindsOf(source), { other: `4 ${join('ant', '1.XML')}` })
  })

  test('a file that is only named like an image is damage with a description of its content', async () => {
    for (const [bytes, reason] of [
      [NOTHING, /it is empty/],
      [
        Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:1\n'),
        /a pointer of Git LFS, not the file: git lfs pull/,
      ],
      [Buffer.from('../.git/annex/objects/x').subarray(7), /a pointer of git-annex.*git annex get/],
      [Buffer.from('\n<!DOCTYPE html><html>not found'), /a web page: the download failed/],
      [Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1'), /an HEIC picture: convert it/],
      [Buffer.from('\x1f\x8b\x08', 'latin1'), /compressed by gzip/],
    ] as const)
      assert.match((await damageOf(await open(await threeClasses({ 'ant/2.jpg': bytes })))).join(), reason)
  })

  test('a file larger than any image is damage, and its bytes are not read', async () => {
    const folder = await threeClasses({ 'ant/2.jpg': NOTHING })
    await truncate(join(folder, 'ant/2.jpg'), 2 ** 36)
    assert.match((await damageOf(await open(folder))).join(), /has 68719476736 bytes/)
  })
})

suite('special files never block:', { timeout: 20_000 }, () => {
  test('pipes and sockets of any name are skipped', async (t) => {
    const folder = await threeClasses()
    for (const name of ['ant/x.JPEG', 'x.JPEG', 'labels']) execFileSync('mkfifo', [join(folder, name)])
    await socketAt(t, join(folder, 'bee/y.jpg'))
    const source = await open(folder)
    assert.deepEqual(await idsOf(source), THREE)
    assert.deepEqual(kindsOf(source), { special: '4 ant/x.JPEG' })
  })

  test('links to pipes, sockets, devices and folders are damage if they are named like images', async (t) => {
    const folder = await threeClasses()
    const elsewhere = inside(root)
    execFileSync('mkfifo', [join(elsewhere, 'pipe')])
    await socketAt(t, join(elsewhere, 'socket'))
    const targets = [join(elsewhere, 'pipe'), join(elsewhere, 'socket'), '/dev/zero', elsewhere]
    for (const [i, target] of targets.entries()) await symlink(target, join(folder, `ant/l${i}.jpg`))
    const damage = await damageOf(await open(folder))
    assert.equal(damage.length, 4)
    for (const reason of damage) assert.match(reason, /regular file/)
  })

  test('links to files and folders, as in download caches, are read', async () => {
    const blobs = inside(root)
    await writeFile(join(blobs, 'b10b'), picture)
    await mkdir(join(blobs, 'dog'))
    await writeFile(join(blobs, 'dog/1'), picture)
    const folder = await threeClasses()
    await symlink(join(blobs, 'b10b'), join(folder, 'ant/2.png'))
    await symlink(join(blobs, 'b10b'), join(folder, 'ant/without-ending'))
    await symlink(join(blobs, 'dog'), join(folder, 'dog'))
    const source = await open(folder)
    assert.deepEqual(await idsOf(source), [
      'ant/1.png',
      'ant/2.png',
      'ant/without-ending',
      'bee/1.png',
      'cat/1.png',
      'dog/1',
    ])
    assert.deepEqual(source.passedOver, [])
  })

  test('links that are broken, circular, or point to a parent folder are skipped', async () => {
    const folder = await threeClasses()
    await symlink('gone', join(folder, 'broken'))
    await symlink('ring', join(folder, 'ring'))
    await symlink('.', join(folder, 'self'))
    await symlink('..', join(folder, 'ant/up'))
    await symlink('.', join(folder, 'ant/here'))
    const source = await open(folder)
    assert.deepEqual([classesOf(source), kindsOf(source)], [['ant', 'bee', 'cat'], { badLink: '5 ant/here' }])
  })

  async function socketAt(t: TestContext, path: string): Promise<void> {
    const server = createServer().listen(path)
    t.after(() => server.close())
    await once(server, 'listening')
  }
})

suite('folders without images of their own:', () => {
  test('an empty class folder stays a class and is counted', async () => {
    const folder = await threeClasses({ 'eel/.gitkeep': NOTHING })
    await mkdir(join(folder, 'dog'))
    const source = await open(folder)
    assert.deepEqual(classesOf(source), ['ant', 'bee', 'cat', 'dog', 'eel'])
    assert.equal(kindsOf(source).emptyClass, '2 dog')
  })

  test('a class folder without a readable image is refused', async () => {
    for (const name of ['script.py', 'x.jpg.part', 'x.bmp', 'x.nef', 'x.zip']) {
      const folder = await threeClasses({ [`dog/${name}`]: TEXT })
      await assert.rejects(open(folder), (error: Error & { code: string }) => {
        assert.equal(error.code, 'DATA_NO_PICTURES')
        assert.ok(error.message.startsWith(`${folder}/dog: `) && error.message.includes(name), error.message)
        assert.equal(exitCodeOf(error.code), EXIT.badData)
        return true
      })
    }
  })

  test('images deeper than a class folder are refused', async () => {
    for (const path of ['ant/thumbs/1.png', 'ant/a/b/c/1.png', 'dog/images/1.png/2.png/3.png'])
      await assert.rejects(open(await threeClasses({ [path]: picture, [path.replace(/\d\.png$/, 'x')]: TEXT })), {
        code: 'DATA_NESTED',
        message: /spec\.data\.source\.path/,
      })
    await assert.rejects(open(await threeClasses({ 'dog/images/1.png': picture, 'dog/masks/1.png': picture })), {
      code: 'DATA_NESTED',
    })
  })

  test('the only folder in a class folder is read instead of it, as in Tiny ImageNet', async () => {
    const source = await open(await threeClasses({ 'dog/images/1.png': picture, 'dog/dog_boxes.txt': TEXT }))
    assert.deepEqual(classesOf(source), ['ant', 'bee', 'cat', 'dog'])
    assert.ok((await idsOf(source)).includes('dog/images/1.png'))
  })

  test('folders without images inside a class are skipped', async () => {
    const source = await open(await threeClasses({ 'ant/notes/1.xml': TEXT, 'ant/deep/er/x.csv': TEXT }))
    assert.deepEqual(kindsOf(source), { folder: '2 ant/deep' })
  })

  test('the parent of a data set is refused with the folder to use', async () => {
    const splits = inside(root)
    await writeImages(splits, { 'train/ant/1.png': picture, 'train/bee/1.png': picture, 'val/ant/1.png': picture })
    await assert.rejects(open(splits), { code: 'DATA_SPLITS', message: /train, val .*…\/train/ })
    const flat = inside(root)
    await writeImages(flat, { 'Train/1.png': picture, 'test/1.png': picture })
    await assert.rejects(open(flat), { code: 'DATA_SPLITS' })
    const twice = inside(root)
    await writeImages(twice, { 'birds/birds/ant/1.png': picture, 'birds/birds/bee/1.png': picture })
    await assert.rejects(open(twice), {
      code: 'DATA_NESTED',
      message: /birds\/birds\/ant: .*birds\/birds /,
    })
  })

  test('images beside class folders are counted, and without class folders they are refused', async () => {
    assert.deepEqual(kindsOf(await open(await threeClasses({ 'x.png': picture, y: picture }))), {
      strayPicture: '2 x.png',
    })
    const flat = inside(root)
    await writeImages(flat, { '1.png': picture })
    await assert.rejects(open(flat), {
      code: 'DATA_EMPTY',
      message: /no class folders.*1 pictures outside of a class folder, e\.g\. 1\.png/,
    })
  })

  test('the labels file is not counted as skipped, and a folder with only that file is no class', async () => {
    for (const path of ['labels.json', './labels.json', 'meta/labels.json']) {
      const folder = inside(root)
      await writeImages(folder, { 'apple/1.png': picture, [path]: Buffer.from(JSON.stringify(FRUIT)) })
      const source = await openClassDataset(folder, { ...config, labels: path })
      assert.deepEqual([source.passedOver, await idsOf(source)], [[], ['apple/1.png']])
    }
  })
})

suite('names of classes:', () => {
  test('names are equal in every unicode normal form, and two folders with the same name are refused', async () => {
    const apart = 'cafe\u0301'
    const source = await open(await threeClasses({ [`${apart}/1.png`]: picture }))
    assert.deepEqual(classesOf(source), ['ant', 'bee', 'caf\u00e9', 'cat'])
    assert.ok((await idsOf(source)).includes(`${apart}/1.png`))
    await assert.rejects(open(await threeClasses({ [`${apart}/1.png`]: picture, 'caf\u00e9/1.png': picture })), {
      code: 'DATA_NAMES',
      message: /two class folders are named "caf\u00e9"/,
    })
  })

  test('folders that differ only in case or spaces are two classes and are reported', async () => {
    const source = await open(await threeClasses({ 'Ant/1.png': picture, 'bee /1.png': picture }))
    assert.equal(source.labels.size, 5)
    assert.equal(source.passedOver[0]?.kind, 'lookalike')
    assert.equal(source.passedOver[0]?.count, 2)
  })

  test('folders that differ only in width or in invisible characters are reported too', async () => {
    const source = await open(await threeClasses({ 'a\u200bnt/1.png': picture, '\uff42ee/1.png': picture }))
    assert.equal(source.labels.size, 5)
    assert.deepEqual(kindsOf(source), { lookalike: '2 "a\u200bnt" beside "ant"' })
  })

  test('a name that Windows reserves for its recycle bin in upper case may be a class in lower case', async () => {
    const folder = await threeClasses({
      'recycled/1.png': picture,
      'RECYCLED/1.png': picture,
      'RECYCLER/1.png': picture,
    })
    const source = await open(folder)
    assert.deepEqual([source.labels.labels.at(-1)?.name, source.labels.size], ['recycled', 4])
    assert.deepEqual(kindsOf(source), { system: '2 RECYCLED' })
  })

  test('names of digits, signs, any script and symbols are classes, in string order', async () => {
    const names = [
      '1',
      '10',
      '2',
      '-1',
      'a.b',
      '_none_',
      '{}',
      '"',
      '__proto__',
      'constructor',
      '猫',
      '🐈',
      '🐈‍⬛',
      'x'.repeat(255),
    ]
    const folder = inside(root)
    await writeImages(folder, Object.fromEntries(names.map((name) => [`${name}/1.png`, picture] as const)))
    assert.deepEqual(
      (await open(folder)).labels.labels.map(({ name }) => name),
      names.toSorted(),
    )
  })

  test('the error about a folder that its labels file spells differently has that spelling', async () => {
    const folder = await threeClasses()
    const labels = ['bee', 'cat', 'dog', 'eel', 'fly', 'Ant '].map((name, id) => ({ id, name, parents: [] }))
    await writeFile(join(folder, 'labels.json'), JSON.stringify(labels))
    await assert.rejects(
      openClassDataset(folder, { path: '.', format: 'imagenet-folder', maxCorruptRecords: 0, labels: 'labels.json' }),
      {
        code: 'LABEL_UNKNOWN',
        message: /ant: the labels file has no label of that name; it has "bee", .* and 1 more, and one is "Ant "$/,
      },
    )
  })

  test('a name that is not UTF-8 is counted for an image and refused for a class', async () => {
    const folder = await threeClasses()
    await writeFile(Buffer.concat([Buffer.from(`${folder}/ant/`), Buffer.from([0xe9]), Buffer.from('.png')]), picture)
    const source = await open(folder)
    assert.deepEqual([kindsOf(source), await damageOf(source)], [{ badName: '1 ant/\ufffd.png' }, []])
    await mkdir(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xe9])]))
    await assert.rejects(open(folder), { code: 'DATA_NAMES', message: /is not UTF-8; rename it/ })
  })
})

suite('files and folders without read permission', () => {
  for (const code of ['EACCES', 'EPERM'])
    test(`a class folder with error ${code} is refused with its path and advice`, async (t) => {
      const folder = await threeClasses({ 'lost+found/x': TEXT })
      const real = promises.readdir as (path: string, options: object) => Promise<unknown>
      t.mock.method(promises, 'readdir', (path: string, options: object) =>
        /bee|lost/.test(path) ? Promise.reject(Object.assign(new Error(code), { code })) : real(path, options),
      )
      syncBuiltinESMExports()
      const refused = assert.rejects(open(folder), {
        code: 'DATA_UNREADABLE',
        message: new RegExp(
          `^${folder}/bee: cannot be read: permission denied to uid \\d+; let it read \\(chmod -R a\\+rX`,
        ),
      })
      await refused.finally(() => {
        t.mock.restoreAll()
        syncBuiltinESMExports()
      })
      assert.equal(exitCodeOf('DATA_UNREADABLE'), EXIT.badData)
    })

  test('another user than root gets the same errors', { skip: process.getuid?.() !== 0 && 'needs root' }, async () => {
    const folder = await threeClasses({ 'bee/2.png': picture })
    await chmod(root, 0o755)
    await mkdir(join(folder, 'lost+found'), { mode: 0o700 })
    await chmod(join(folder, 'bee/2.png'), 0o600)
    assert.match(asUid65534(folder), /^bee\/2\.png: cannot be read: permission denied to uid 65534; let it read/)
    await chmod(join(folder, 'cat'), 0o700)
    assert.match(asUid65534(folder), /^DATA_UNREADABLE .*\/cat: cannot be read: permission denied to uid 65534/)
    await rm(join(folder, 'cat'), { recursive: true })
  })

  /** Opens the folder in a process of uid 65534. */
  function asUid65534(folder: string): string {
    const module = pathToFileURL(resolve('src/data/formats.ts'))
    const program = `
      import { openClassDataset } from '${module}'
      process.setgroups([]); process.setgid(65534); process.setuid(65534)
      const folder = ${JSON.stringify(folder)}
      try {
        const source = await openClassDataset(folder, ${JSON.stringify(config)})
        for (const unit of source.units.keys()) for await (const item of source.read(unit))
          if (item.type === 'corrupt') console.log(item.where.slice(folder.length + 1) + ': ' + item.reason)
      } catch (error) { console.log(error.code, error.message) }`
    return spawnSync(process.execPath, ['--input-type=module-typescript', '-e', program], { encoding: 'utf8' }).stdout
  }
})
