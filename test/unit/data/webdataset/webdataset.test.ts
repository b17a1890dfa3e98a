import assert from 'node:assert/strict'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import type { DataConfig } from '../../../../src/contract/runtime.ts'
import type { ClassLabels, Item } from '../../../../src/data/dataset.ts'
import { openClassDataset } from '../../../../src/data/formats.ts'
import { openLoader } from '../../../../src/input/loader.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { epochs, INPUT, ListedLeases } from '../../input/builders.ts'
import { collect, FRUIT, inside, png } from '../builders.ts'
import { type Members, tarByProgram, tarOf, writeTars } from './builders.ts'

const root = temporaryFolder()
const picture = await png(3)

async function itemsOf(folder: string, config: DataConfig): Promise<Item<ClassLabels>[]> {
  const dataset = await openClassDataset(folder, config)
  return (await Promise.all(dataset.units.map((_, unit) => collect(dataset.read(unit))))).flat()
}

/** What a single shard with these members has: ids with labels, and places of damage with the reason. */
async function read(bytes: Uint8Array, labels: unknown = FRUIT): Promise<string[]> {
  const folder = inside(root)
  const items = await itemsOf(folder, await writeTars(folder, { 'x-000000.tar': bytes }, labels))
  return items.map((item) =>
    item.type === 'example'
      ? `${item.id} ${item.annotation.labels}`
      : `${item.where.slice(folder.length + 1)}: ${item.reason}`,
  )
}

const readMembers = async (members: Members) => read(await tarOf(members))

test('a sample has a picture and its classes in .cls or .json, as numbers or names', async () => {
  const members: Members = [
    ['000.jpg', picture],
    ['000.cls', '3\n'],
    ['001.PNG', picture],
    ['001.cls', 'apple'],
    ['dir/002.json', '{"labels": [1, "apple", 1], "caption": "a fruit"}'],
    ['dir/002.webp', picture],
    ['003.jpeg', picture],
    ['003.json', '{"label": 2}'],
    ['004.jpg', picture],
    ['004.cls', '1'],
    ['004.json', '{"label": 2}'],
    ['005.jpg', picture],
    ['005.json', '{"labels": []}'],
  ]
  assert.deepEqual(await readMembers(members), [
    'x-000000.tar/000 3',
    'x-000000.tar/001 2',
    'x-000000.tar/dir/002 1,2',
    'x-000000.tar/003 2',
    'x-000000.tar/004 1',
    'x-000000.tar/005 ',
  ])
})

test('the name of a sample ends at the first dot of the file name', async () => {
  const members: Members = [
    ['a.b/1.left.jpg', 'another picture of the sample'],
    ['a.b/1.jpg', picture],
    ['a.b/1.seg.png', 'a mask'],
    ['a.b/1.cls', '1'],
    ['a.b/1.txt', 'a caption'],
    ['.DS_Store', 'x'],
    ['._1.jpg', 'x'],
    ['__url__/1.jpg', 'x'],
    ['README', 'x'],
  ]
  assert.deepEqual(await readMembers(members), ['x-000000.tar/a.b/1 1'])
})

const TWO: Members = [
  ['000.jpg', picture],
  ['000.cls', '1'],
  ['001.jpg', picture],
  ['001.cls', '2'],
]

suite('damage is counted with the file and the member, and the samples around it are read:', () => {
  const cases: Record<string, [Members, string]> = {
    'no class': [
      [['a.jpg', picture]],
      'a.jpg: the sample has no label: no a.cls, and no a.json with "label" or "labels"',
    ],
    'no picture': [[['a.cls', '1']], 'a.cls: its sample has no picture (.jpg, .png, .webp, …)'],
    'an unknown number': [
      [
        ['a.jpg', picture],
        ['a.cls', '4'],
      ],
      'a.jpg: label 4 is not among the 4 labels (0 to 3, or a name)',
    ],
    'an unknown name': [
      [
        ['a.jpg', picture],
        ['a.json', '{"label": "Apple"}'],
      ],
      'a.jpg: label "Apple" is not among the 4 labels (0 to 3, or a name), and one is "apple"',
    ],
    'an empty class': [
      [
        ['a.jpg', picture],
        ['a.cls', ' '],
      ],
      'a.jpg: label "" is not among the 4 labels (0 to 3, or a name)',
    ],
    'no JSON': [
      [
        ['a.jpg', picture],
        ['a.json', '{"label": NaN}'],
      ],
      'a.jpg: a.json: not JSON: ',
    ],
    'a class of another type': [
      [
        ['a.jpg', picture],
        ['a.json', '{"label": -1.5}'],
      ],
      'a.jpg: a.json: label: Invalid input',
    ],
    'a JSON without classes': [
      [
        ['a.jpg', picture],
        ['a.json', '{"width": 3}'],
      ],
      'a.jpg: a.json: has neither "label" nor "labels"',
    ],
    'the same member twice': [
      [
        ['a.jpg', picture],
        ['a.jpg', picture],
        ['a.cls', '1'],
      ],
      'a.jpg: the sample has a.jpg, too',
    ],
    'two pictures': [
      [
        ['a.jpg', picture],
        ['a.png', picture],
        ['a.cls', '1'],
      ],
      'a.png: the sample has a.jpg, too',
    ],
    'a name that leads out of the folder': [[['../a.jpg', picture]], '../a.jpg: its name leads out of the folder'],
    'an absolute name': [[['/etc/passwd', 'x']], '/etc/passwd: its name is an absolute path'],
    'control characters in a name': [[['a\u001b[2J.jpg', 'x']], 'a\\u001b[2J.jpg: its name has control characters'],
  }
  for (const [name, [members, expected]] of Object.entries(cases))
    test(name, async () => {
      const found = await readMembers([...TWO.slice(0, 2), ...members, ...TWO.slice(2)])
      assert.deepEqual([found[0], found.at(-1)], ['x-000000.tar/000 1', 'x-000000.tar/001 2'])
      assert.equal(found.length, 3, found.join('\n'))
      assert.ok(found[1]?.startsWith(`x-000000.tar, member ${expected}`), found[1])
    })

  test('a sample that goes on after another', async () => {
    const found = await readMembers([...TWO, ['000.json', '{}']])
    assert.equal(found.length, 3)
    assert.match(found[2] as string, /member 000\.json: its sample ended before other samples; .*tar --sort=name/)
  })

  test('links, which have no content', async () => {
    const linked = await tarOf([['0.jpg', picture]])
    // Type 1 of a header is a hard link; the check sum of the header follows.
    linked[156] = 0x31
    const sum = linked.subarray(0, 512).reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0)
    linked.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
    const [found] = await read(linked)
    assert.match(found as string, /^x-000000\.tar, member 0\.jpg: it is a link.*--hard-dereference$/)
  })
})

test('a truncated file gives the samples before its end, and one damage, at every length', async () => {
  const whole = await tarOf(TWO)
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: whole.length - 1 }), async (length) => {
      const found = await read(whole.subarray(0, length))
      assert.equal(found.filter((line) => line.startsWith('x-000000.tar:')).length, 1, `${length}: ${found.join('\n')}`)
      assert.deepEqual(found.slice(0, -1), ['x-000000.tar/000 1', 'x-000000.tar/001 2'].slice(0, found.length - 1))
    }),
    { numRuns: 200 },
  )
})

test('a damaged header ends the file, and what comes before it is read', async () => {
  const bytes = await tarOf(TWO)
  const at = bytes.indexOf('001.jpg')
  bytes[at] = 0x7f
  const found = await read(bytes)
  assert.equal(found[0], 'x-000000.tar/000 1')
  assert.match(found[1] as string, /^x-000000\.tar: damaged at or after member 000\.cls: Invalid tar header/)
  assert.equal(found.length, 2)
})

test('GNU, PAX, ustar and old tar files are read, with long names', async () => {
  const long = `${'directory/'.repeat(12)}${'n'.repeat(120)}`
  const members = [['a.jpg', picture] as const, ['a.cls', '1'] as const]
  const longer = [[`${long}.jpg`, picture] as const, [`${long}.cls`, '2'] as const]
  for (const format of ['gnu', 'pax'])
    assert.deepEqual(await read(await tarByProgram(root, [...members, ...longer], [`--format=${format}`])), [
      'x-000000.tar/a 1',
      `x-000000.tar/${long} 2`,
    ])
  for (const format of ['ustar', 'v7', 'oldgnu'])
    assert.deepEqual(await read(await tarByProgram(root, members, [`--format=${format}`])), ['x-000000.tar/a 1'])
})

suite('the shards of a folder:', () => {
  test('units are the tar files, and an id is that of shard and sample', async () => {
    const folder = inside(root)
    const shards = { 'x-000001.tar': await tarOf(TWO), 'x-000000.tar': await tarOf(TWO) }
    const config = await writeTars(folder, shards, FRUIT)
    await mkdir(join(folder, 'logs'))
    const dataset = await openClassDataset(folder, config)
    assert.deepEqual(dataset.units, ['x-000000.tar', 'x-000001.tar'])
    const idsOf = async (given: DataConfig) =>
      (await itemsOf(folder, given)).map((item) => (item.type === 'example' ? item.id : item.reason))
    const ids = await idsOf(config)
    assert.deepEqual(ids, ['x-000000.tar/000', 'x-000000.tar/001', 'x-000001.tar/000', 'x-000001.tar/001'])
    const some = await idsOf({ ...config, subset: { fraction: 0.5, seed: 3 } })
    assert.ok(some.length < ids.length && some.every((id) => ids.includes(id)))
  })

  test('a number that is missing in a series is reported', async () => {
    const folder = inside(root)
    const bytes = await tarOf(TWO)
    const config = await writeTars(folder, { 'x-000000.tar': bytes, 'x-000003.tar': bytes }, FRUIT)
    const { passedOver } = await openClassDataset(folder, config)
    assert.deepEqual(
      passedOver.map(({ kind, count, example, matters }) => ({ kind, count, example, matters })),
      [{ kind: 'missingShard', count: 2, example: 'x-000001.tar', matters: true }],
    )
  })

  test('two series, compressed files and files of another kind are refused', async () => {
    const bytes = await tarOf(TWO)
    const refused = async (shards: Record<string, Uint8Array>, expected: object) => {
      const folder = inside(root)
      const config = await writeTars(folder, shards, FRUIT)
      await assert.rejects(itemsOf(folder, config), expected)
    }
    await refused({ 'train-0.tar': bytes, 'val-0.tar': bytes }, { code: 'DATA_SHARDS_MIXED' })
    await refused({ 'x-0.tar.gz': gzipSync(bytes) }, { code: 'DATA_COMPRESSED' })
    await refused(
      { 'x-0.tar': gzipSync(bytes) },
      { code: 'DATA_UNREADABLE', message: /x-0\.tar: not a tar file: it is compressed by gzip/ },
    )
    await refused({ 'x-0.tar': picture }, { code: 'DATA_UNREADABLE', message: /it is a PNG/ })
  })

  test('classes are those of labels.json, of classnames.txt, or of the file that is named', async () => {
    const folder = inside(root)
    const bytes = await tarOf([
      ['a.jpg', picture],
      ['a.cls', 'pear'],
    ])
    const config = await writeTars(folder, { 'x.tar': bytes }, FRUIT)
    await writeFile(join(folder, 'classnames.txt'), 'plum\r\npear\n')
    const labels = async (given: Partial<DataConfig> = {}) => (await itemsOf(folder, { ...config, ...given }))[0]
    assert.equal((await labels())?.type, 'corrupt')
    const named = await labels({ labels: 'classnames.txt' })
    assert.deepEqual(named?.type === 'example' && named.annotation.labels, [1])
    await rm(join(folder, 'labels.json'))
    assert.equal((await labels())?.type, 'example')
    await rm(join(folder, 'classnames.txt'))
    await assert.rejects(labels(), { code: 'DATA_MISSING', message: /neither labels\.json nor classnames\.txt/ })
    await writeFile(join(folder, 'classnames.txt'), 'pear\n\nplum\n')
    await assert.rejects(labels(), { code: 'LABELS_INVALID', message: /line 2 is empty/ })
    await writeFile(join(folder, 'classnames.txt'), 'pear\npear\n')
    await assert.rejects(labels(), { code: 'LABELS_INVALID', message: /both named "pear"/ })
  })
})

test('samples in any order of their members are joined', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.stringMatching(/^[a-z0-9_-]{1,12}$/), { minLength: 1, maxLength: 8 }),
      fc.infiniteStream(fc.boolean()),
      async (keys, flips) => {
        const members = keys.flatMap((key, i): Members => {
          const pair: Members = [
            [`${key}.jpg`, picture],
            [`${key}.cls`, String(i % FRUIT.length)],
          ]
          return flips.next().value ? [...pair].reverse() : pair
        })
        assert.deepEqual(
          await readMembers(members),
          keys.map((key, i) => `x-000000.tar/${key} ${i % FRUIT.length}`),
        )
      },
    ),
    { numRuns: 30 },
  )
})

for (const type of ['multi-label', 'imagenet-classification'])
  test(`the loader of ${type} reads every sample once an epoch`, async () => {
    const folder = inside(root)
    const shard = (start: number) =>
      tarOf(
        Array.from(
          { length: 6 },
          (_, i): Members => [
            [`${start + i}.png`, picture],
            [`${start + i}.cls`, '2'],
          ],
        ).flat(),
      )
    const data = await writeTars(folder, { 'x-000000.tar': await shard(0), 'x-000001.tar': await shard(6) }, FRUIT)
    const open = await openLoader<ClassLabels>({
      thread: new URL('../../../../src/worker/loader-thread.ts', import.meta.url),
      folder,
      data,
      task: { type, options: {}, input: INPUT.input },
      batchSize: 4,
      seed: 1,
      unitsToCheck: 2,
      signal: new AbortController().signal,
    })
    try {
      const loader = open.start(new ListedLeases(epochs(2, 2)))
      const ids: string[] = []
      for (let batch = await loader.next(); batch; batch = await loader.next()) ids.push(...batch.ids)
      assert.equal(ids.length, 24)
      assert.equal(new Set(ids).size, 12)
    } finally {
      await open.close()
    }
  })
