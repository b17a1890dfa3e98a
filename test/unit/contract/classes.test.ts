import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Class, decodeClasses, encodeClasses } from '../../../src/contract/classes.ts'
import { exitCodeOf } from '../../../src/contract/exit-codes.ts'
import { exitClass } from '../../../src/contract/runtime.ts'

const named = (names: readonly string[]): Class[] => names.map((name, id) => ({ id, name, parents: [] }))

test('a list of classes with any names is read as it was written', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ unit: 'binary' }), { selector: (name) => name.toWellFormed().normalize('NFC') }),
      (names) => {
        const classes = named(names.map((name) => name.toWellFormed().normalize('NFC')))
        const list = encodeClasses(classes)
        assert.deepEqual(decodeClasses(list.bytes, list, 'a list'), classes)
      },
    ),
  )
})

test('lists are equal if their names differ only in unicode normal form, and differ if their order does', () => {
  const sha256Of = (...names: string[]) => encodeClasses(named(names)).sha256
  assert.equal(sha256Of('caf\u00e9', 'bee'), sha256Of('cafe\u0301', 'bee'))
  assert.notEqual(sha256Of('ant', 'bee'), sha256Of('bee', 'ant'))
})

test('the 18,291 names of a long list take less than a megabyte', () => {
  const names = Array.from({ length: 18_291 }, (_, i) => `a label of common length ${i}`)
  assert.ok(encodeClasses(named(names)).bytes.length < 2 ** 20 + 2 ** 19)
})

test('bytes that do not match the announced list are refused', () => {
  const list = encodeClasses(named(['ant', 'bee']))
  const refused = (bytes: Uint8Array, expected = list) =>
    assert.throws(() => decodeClasses(bytes, expected, 'it'), { code: 'CLASSES_INVALID' })
  refused(Buffer.from(list.bytes).fill('x', 5, 6))
  refused(list.bytes, { ...list, count: 3 })
  for (const text of ['no JSON', '{}', '[{"id":1,"name":"a","parents":[]}]', '[{"id":0,"name":"a","parents":[7]}]']) {
    const sha256 = createHash('sha256').update(text).digest('hex')
    refused(Buffer.from(text), { ...list, sha256, count: 1 })
  }
  const twice = encodeClasses(named(['caf\u00e9', 'bee', 'cafe\u0301']))
  assert.throws(() => decodeClasses(twice.bytes, twice, 'it'), { code: 'CLASSES_INVALID' })
})

test('classes that do not match are a permanent failure; a restarted server lets the worker retry', () => {
  const classOf = (code: string) => exitClass(exitCodeOf(code))
  for (const code of ['CLASS_UNKNOWN', 'HIERARCHY_DIFFERS', 'LABELS_TOO_FEW', 'LABELS_TOO_MANY', 'LABELS_TOO_LARGE'])
    assert.equal(classOf(code), 'permanent', code)
  assert.equal(classOf('CHECKPOINT_NOT_WRITABLE'), 'permanent')
  assert.equal(classOf('CLASSES_CHANGED'), 'retryable')
})
