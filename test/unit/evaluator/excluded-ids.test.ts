import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { readExcludedIds } from '../../../src/evaluator/excluded-ids.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const root = temporaryFolder()
const path = join(root, 'list.txt')

async function read(content: string | Uint8Array): Promise<string[]> {
  await writeFile(path, content)
  return [...(await readExcludedIds(path))]
}

test('the first column counts; comments and empty lines do not', async () => {
  const list = '# pairs\n\na/1.png\ttrain/3\tdhash\t2\n  b 2.png\nb/3.png\r\na/1.png\ttrain/9\tdhash\t4\n\t\nlast'
  assert.deepEqual(await read(list), ['a/1.png', '  b 2.png', 'b/3.png', 'last'])
  assert.deepEqual(await read('\ufeffä/ö.png\n'), ['ä/ö.png'], 'after a byte order mark')
  assert.deepEqual(await read('# nothing was found\n'), [])
  assert.deepEqual(await read(''), [])
})

test('a list that is written with any line ends is read again', async () => {
  const id = fc
    .string({ minLength: 1, unit: 'grapheme' })
    .filter((text) => !/^#|[\t\r\n\0\ufeff]/.test(text) && text.isWellFormed())
  await fc.assert(
    fc.asyncProperty(fc.array(id), fc.constantFrom('\n', '\r\n'), async (ids, end) => {
      assert.deepEqual(await read(ids.map((one) => `${one}\tx${end}`).join('')), [...new Set(ids)])
    }),
    { numRuns: 50 },
  )
})

test('what is no list is refused with its path and what was expected', async () => {
  const expected = /list\.txt: is not text in UTF-8; expected a list of image ids, one a line/
  await assert.rejects(read(Uint8Array.of(0xff, 0xd8, 0xff)), { code: 'DATA_EXCLUDE_INVALID', message: expected })
  await assert.rejects(read('a\0b'), { code: 'DATA_EXCLUDE_INVALID', message: expected })
  await assert.rejects(readExcludedIds(join(root, 'none.txt')), {
    code: 'DATA_MISSING',
    message: /none\.txt: cannot be read \(ENOENT.*\); expected a list of image ids/,
  })
  await mkdir(join(root, 'folder'))
  await assert.rejects(readExcludedIds(join(root, 'folder')), { code: 'DATA_UNREADABLE' })
  execFileSync('mkfifo', [join(root, 'pipe')])
  await assert.rejects(readExcludedIds(join(root, 'pipe')), { code: 'DATA_UNREADABLE', message: /not a regular file/ })
})
