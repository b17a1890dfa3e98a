import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { matchesPattern } from '../../../../src/data/scan/pattern.ts'
import { chooseShards } from '../../../../src/data/scan/shards.ts'

const shards = (stem: string, count: number, ending = '') =>
  Array.from(
    { length: count },
    (_, i) => `${stem}-${String(i).padStart(5, '0')}-of-${String(count).padStart(5, '0')}${ending}`,
  )
const choose = (names: string[], pattern?: string) => chooseShards('/data', names, pattern)
const kinds = (names: string[], pattern?: string) =>
  Object.fromEntries(choose(names, pattern).passedOver.map(({ name, kind }) => [name, kind]))

suite('file names of one series:', () => {
  for (const [what, names] of Object.entries({
    'shards without an ending': shards('train', 3),
    'shards with an ending': shards('jft-mini', 16, '.tfrecord'),
    'names of TensorFlow Datasets': shards('imagenet2012-train.tfrecord', 4),
    'a count from 1': ['a-1-of-2', 'a-2-of-2'],
    'a number that is the whole name': ['00000-of-00002.tfrecord', '00001-of-00002.tfrecord'],
    'numbers without a count': ['x-0.tfrecord', 'x-1.tfrecord', 'x-12.tfrecord'],
    'names of Kaggle': ['00-512x512-798.tfrec', '01-512x512-783.tfrec'],
    'names of Spark': ['part-00000-ab1c-c000.tfrecord', 'part-00001-ab1c-c000.tfrecord'],
    'one name each, of a person': ['aardvark.tfrecord', 'bee.tfrecord', 'cat.record'],
    'endings in upper case': ['A.TFRECORD', 'B.TFRecords'],
  }))
    test(what, () => assert.deepEqual(choose(names), { shards: [...names].sort(), passedOver: [] }))
})

suite('two series in one folder are refused by name, and a pattern selects one:', () => {
  const mixed: Record<string, [first: string[], other: string[], pattern: string]> = {
    'train and validation': [shards('train', 1), shards('validation', 1), 'train-*'],
    'both splits of TensorFlow Datasets': [
      shards('imagenet2012-train.tfrecord', 3),
      shards('imagenet2012-validation.tfrecord', 2),
      'imagenet2012-train*',
    ],
    'with an ending and without': [shards('train', 2), shards('train', 2, '.tfrecord'), '*-of-00002'],
    'two exports with other counts': [shards('train', 2), shards('train', 3), 'train-*-of-00002'],
    'numbered and not': [shards('train', 2), ['x.tfrecord'], 'train-*'],
    'different words in single names': [['train.tfrecord'], ['my_val.tfrecord'], 'train*'],
    'names without counts': [['a-0.tfrecord', 'a-1.tfrecord'], ['b-0.tfrecord'], 'a-*'],
    'upper case': [shards('Train', 1), shards('Test', 1), 'Train*'],
    'no word that anybody knows': [shards('clean', 2), shards('noisy', 2), 'clean-*'],
  }
  for (const [what, [first, other, pattern]] of Object.entries(mixed))
    test(what, () => {
      assert.throws(() => choose([...first, ...other]), {
        code: 'DATA_SHARDS_MIXED',
        message: /^\/data: .*2 series.*spec\.data\.files/,
      })
      const { shards: chosen, passedOver } = choose([...first, ...other], pattern)
      assert.deepEqual(chosen, [...first].sort())
      assert.deepEqual(new Set(passedOver.map(({ kind }) => kind)), new Set(['notChosen']))
    })

  test('the message has both series with their files, and a valid pattern', () => {
    const names = [...shards('train', 12), ...shards('validation', 1)]
    assert.throws(() => choose(names), {
      message: /train-\*-of-00012 \(12 files\), validation-\*-of-00001 \(1 file\);.*"train-\*-of-00012"/,
    })
    assert.equal(choose(names, 'train-*-of-00012').shards.length, 12)
  })

  test('a pattern may select several series, or part of a complete one', () => {
    assert.equal(choose([...shards('clean', 2), ...shards('noisy', 2)], '*').shards.length, 4)
    assert.equal(choose(shards('train', 20), 'train-0000?-*').shards.length, 10)
  })

  test('a pattern selects files that are not named like shards, but no text files about them', () => {
    assert.deepEqual(
      choose(['part-r-00000', 'part-r-00001', 'part-r-00000.crc', '_SUCCESS', 'part.json'], 'part*').shards,
      ['part-r-00000', 'part-r-00001'],
    )
  })
})

suite('inconsistent N-of-M names are refused by name:', () => {
  const [zero, one, two] = shards('train', 3) as [string, string, string]
  for (const [what, names, message] of [
    ['a missing shard', [zero, two], /train-\*-of-00003: 1 of 3 shards are missing: number 1;/],
    ['many', shards('train', 20).slice(0, 9), /11 of 20 shards are missing: number 9, 10, 11, …/],
    [
      'a number beyond the count',
      [...shards('train', 2), 'train-00007-of-00002'],
      /train-00007-of-00002: no such number among 2 shards/,
    ],
    ['both 0 and N', ['a-0-of-1', 'a-1-of-1'], /a-1-of-1: no such number/],
    ['a repeated number', ['a-0-of-2', 'a-00-of-2', 'a-1-of-2'], /a-0-of-2 and a-00-of-2 are the same shard/],
    [
      'a count that no disk could store',
      ['a-0-of-999999999'],
      /999999998 of 999999999 shards are missing: number 1, 2, 3, …/,
    ],
    ['a shard that is still being downloaded', [zero, one, `${two}.part`], /number 2/],
  ] as const)
    test(what, () => assert.throws(() => choose([...names]), { code: 'DATA_SHARDS_INCOMPLETE', message }))

  test('among the files that a pattern selects', () => {
    const names = [...shards('train', 3), ...shards('validation', 4).slice(1)]
    assert.equal(choose(names, 'train*').shards.length, 3)
    assert.throws(() => choose(names, 'validation*'), { code: 'DATA_SHARDS_INCOMPLETE', message: /number 0/ })
  })

  test('two exports of one data set selected together', () => {
    const names = [...shards('train', 2), ...shards('train', 2, '.tfrecord')]
    assert.throws(() => choose(names, 'train*'), {
      code: 'DATA_SHARDS_INCOMPLETE',
      message: /are the same shard of two exports/,
    })
  })

  test('any series with one shard removed', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z][a-z_.]{0,8}$/),
        fc.integer({ min: 2, max: 40 }),
        fc.nat(),
        (stem, count, at) => {
          const names = shards(`s${stem}`, count)
          assert.equal(choose(names).shards.length, count)
          assert.throws(() => choose(names.toSpliced(at % count, 1)), { code: 'DATA_SHARDS_INCOMPLETE' })
        },
      ),
    )
  })
})

test('other files beside shards are skipped and counted by kind', () => {
  const beside = {
    'labels.txt': 'other',
    'dataset_info.json': 'other',
    'features.json': 'other',
    'train-00000-of-00001.index': 'other',
    'train-00000-of-00001.crc': 'other',
    '.train-00000-of-00001.crc': 'system',
    _SUCCESS: 'system',
    '.DS_Store': 'system',
    '._train-00000-of-00001': 'system',
    README: 'other',
    'train-00000-of-00001.tfrecord.incomplete': 'unfinished',
    'temp-train-00000-of-00001': 'unfinished',
    'train-00000-of-00001.tmp': 'unfinished',
    'train-00000-of-00001.gz': 'archive',
    'raw.tar': 'archive',
    'train-00000-of-00002.parquet': 'unreadShard',
    'train.array_record-00000-of-00002': 'unreadShard',
    'train-00000-of-00002.tar': 'archive',
    'bad-\ufffd-00000-of-00001': 'badName',
  }
  assert.deepEqual(kinds([...shards('train', 1), ...Object.keys(beside)]), beside)
})

test('compressed shards are refused with advice', () => {
  for (const ending of ['.gz', '.tfrecord.gz', '.zst'])
    assert.throws(() => choose(shards('train', 2, ending)), {
      code: 'DATA_COMPRESSED',
      message: /is compressed.*gunzip/,
    })
  assert.throws(() => choose(['x.tfrecord.gz']), { code: 'DATA_COMPRESSED' })
})

test('a pattern matches like the equivalent regular expression, in bounded time', { timeout: 10_000 }, () => {
  const texts = fc.array(fc.constantFrom('a', 'b', '-', '.'), { maxLength: 8 }).map((parts) => parts.join(''))
  const patterns = fc
    .array(fc.constantFrom('a', 'b', '-', '.', '*', '?'), { maxLength: 8 })
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(texts, patterns, (text, pattern) => {
      const escaped = pattern.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.')
      assert.equal(matchesPattern(text, pattern), new RegExp(`^${escaped}$`).test(text))
    }),
  )
  assert.equal(matchesPattern('a'.repeat(255), `${'*a'.repeat(127)}b`), false)
})
