import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { readJsonArrays } from '../../../src/support/json-arrays.ts'

const folder = mkdtempSync(join(tmpdir(), 'downpour-json-'))
after(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'file.json')

/** Each element must also be where the reader says that it is. */
async function read(text: string | Buffer): Promise<Record<string, unknown[]>> {
  const bytes = Buffer.from(text as string)
  writeFileSync(file, bytes)
  const found: Record<string, unknown[]> = {}
  const visit = (key: string) => (value: unknown, place: number, start: number, end: number) => {
    found[key] ??= []
    assert.equal(found[key].push(value) - 1, place)
    assert.deepEqual(JSON.parse(bytes.toString('utf8', start, end)), value)
  }
  const keys = await readJsonArrays(file, { '': visit(''), a: visit('a'), b: visit('b') })
  for (const key of keys) found[key] ??= []
  return found
}

test('elements of the wanted arrays are those that JSON.parse finds, for any JSON', async () => {
  const object = fc.record({ a: fc.array(fc.jsonValue()), b: fc.array(fc.jsonValue()), other: fc.jsonValue() })
  await fc.assert(
    fc.asyncProperty(object, fc.constantFrom(undefined, 1, '\t'), async ({ a, b, other }, indent) => {
      const written = JSON.parse(JSON.stringify({ other, a, n: { a: [1] }, b }))
      assert.deepEqual(await read(JSON.stringify(written, null, indent)), { a: written.a, b: written.b })
      assert.deepEqual(await read(JSON.stringify(written.a, null, indent)), { '': written.a })
    }),
  )
})

test('an element may be longer than a part of the file that is read at once', async () => {
  const long = 'é'.repeat(1_500_000)
  assert.deepEqual(await read(JSON.stringify({ a: [long, 1, long] })), { a: [long, 1, long] })
})

test('a byte order mark is skipped', async () => {
  assert.deepEqual(await read(`\ufeff[1]`), { '': [1] })
})

test('a compressed file is refused with advice', async () => {
  await assert.rejects(read(gzipSync('[1]')), { code: 'JSON_INVALID', message: /gunzip/ })
})

suite('a file that is not JSON is refused with the key and index', () => {
  for (const [text, message] of [
    ['', /the file is empty/],
    ['hello', /expected a JSON object or array/],
    ['{"a":[1,2', /a\[1\]: the file ends too early/],
    ['{"a":[1,,2]}', /a\[1\]: /],
    ['{"a":[1,2,]}', /a\[2\]: /],
    ['{"a":[1 2]}', /a\[0\]: /],
    ['{"a":[1}', /a\[0\]: expected \]/],
    ['{"a":[],"a":[]}', /a: the key stands in the file twice/],
    ['[1] x', /text after the end/],
    ['{"a":[{"name":"NaN","score": NaN}]}', /a\[0\]: score: NaN is not JSON/],
    ['[{"bbox":[1,-Infinity]}]', /\[0\]: bbox: -Infinity is not JSON/],
    ['[{"image_id":7,"id":3,"bbox":[1,NaN]}]', /\[0\]: \(image_id 7\): bbox: NaN is not JSON/],
    ["[{'id':3}]", /\[0\]: Expected property name/],
    ['{"a":[],}', /a: expected a key/],
    ['{"a":[] "b":[]}', /a: expected , or }/],
    ['{"a" []}', /: expected :/],
    ['{"a":,"b":[]}', /a: expected a value/],
    ['{"a":}', /a: expected a value/],
    ['{,"a":[]}', /: expected a key in double quotes, or }/],
    ["{'a':[]}", /: expected a key in double quotes, or }/],
    ['{/* b */"a":[]}', /: expected a key in double quotes, or }/],
    ['{"n":tru,"a":[]}', /n: Unexpected end/],
    ['{"n":01,"a":[]}', /n: Unexpected number/],
    ['{"n":"x" "y","a":[]}', /n: expected , or }/],
    ['{"n":[},"a":[]}', /n: expected ]/],
    ['{"n":{"m":[1}],"a":[]}', /n: expected ]/],
    ['{"n":{],"a":[]}', /n: expected }/],
    ['[1]]', /text after the end/],
    ['[1]\0', /text after the end/],
    ['\ufeff'.concat('\0[1]'), /expected a JSON object or array/],
  ] as const) {
    test(text || 'nothing', async () => {
      await assert.rejects(read(text), (error: Error & { code: string }) => {
        assert.equal(error.code, 'JSON_INVALID')
        assert.ok(error.message.startsWith(file))
        assert.match(error.message, message)
        return true
      })
    })
  }
})

test('a file in ISO-8859-1 is refused with the element: its names would become others', async () => {
  const text = Buffer.from('{"a":[{"id":1,"name":"car"},{"id":2,"name":"café"}]}', 'latin1')
  await assert.rejects(read(text), { code: 'JSON_INVALID', message: /a\[1\]: \(id 2\): the file is not in UTF-8/ })
  assert.deepEqual(await read('[{"name":"\ufffd"}]'), { '': [{ name: '\ufffd' }] })
})

test('a file in UTF-16 is refused with advice', async () => {
  await assert.rejects(read(Buffer.from('\ufeff[1]', 'utf16le')), { code: 'JSON_INVALID', message: /UTF-16/ })
})

test('a missing quote does not bring the rest of a large file into memory', async () => {
  const text = Buffer.concat([Buffer.from('[{"name":"x'), Buffer.alloc(70 * 2 ** 20, 'y')])
  await assert.rejects(read(text), { code: 'JSON_INVALID', message: /\[0\]: more than 64 MiB without an end/ })
})
