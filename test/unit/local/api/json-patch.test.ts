import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { jsonPatch } from '../../../../src/local/api/json-patch.ts'

test('a JSON patch neither reads nor changes inherited fields', () => {
  for (const path of ['/__proto__/polluted', '/constructor/prototype/polluted', '/spec/toString/x'])
    assert.throws(() => jsonPatch({ spec: {} }, [{ op: 'add', path, value: 1 }]), { httpStatus: 422 })
  assert.equal(({} as { polluted?: number }).polluted, undefined)
  const patched = jsonPatch({ spec: {} }, [{ op: 'add', path: '/spec/__proto__', value: { a: 1 } }])
  assert.deepEqual(Object.keys(patched.spec as object), ['__proto__'])
})

test('the size of copies is limited, and an invalid operation is a bad request', () => {
  const copies = Array.from({ length: 60 }, (_, i) => ({ op: 'copy', from: '/spec', path: `/spec/${i}` }))
  assert.throws(() => jsonPatch({ spec: { text: 'x'.repeat(1000) } }, copies), { httpStatus: 422, message: /copies/ })
  for (const operation of [null, 1, { op: 'add' }, { op: 'add', path: 3 }, { op: 'move', path: '/a', from: 'b' }])
    assert.throws(() => jsonPatch({}, [operation]), { httpStatus: 400 })
})

type Json = Record<string, unknown>
/** The patched document as JSON text, or the HTTP status of the refusal. */
const outcome = (target: Json, ...operations: object[]) => {
  try {
    return JSON.stringify(jsonPatch(target, operations))
  } catch (error) {
    return (error as { httpStatus?: number }).httpStatus
  }
}

suite('the examples of RFC 6902, appendix A', () => {
  const op = (name: string, path: string, more: object = {}) => ({ op: name, path, ...more })
  const nested = { foo: { bar: 'baz', waldo: 'fred' }, qux: { corge: 'grault' } }
  const cases: [string, Json, object, unknown][] = [
    ['1 add a member', { foo: 'bar' }, op('add', '/baz', { value: 'qux' }), { foo: 'bar', baz: 'qux' }],
    ['2 add an item', { foo: ['bar', 'baz'] }, op('add', '/foo/1', { value: 'qux' }), { foo: ['bar', 'qux', 'baz'] }],
    ['3 remove a member', { baz: 'qux', foo: 'bar' }, op('remove', '/baz'), { foo: 'bar' }],
    ['4 remove an item', { foo: ['bar', 'qux', 'baz'] }, op('remove', '/foo/1'), { foo: ['bar', 'baz'] }],
    ['5 replace', { baz: 'qux', foo: 'bar' }, op('replace', '/baz', { value: 'boo' }), { baz: 'boo', foo: 'bar' }],
    [
      '6 move a member',
      nested,
      op('move', '/qux/thud', { from: '/foo/waldo' }),
      { foo: { bar: 'baz' }, qux: { corge: 'grault', thud: 'fred' } },
    ],
    [
      '7 move an item',
      { foo: ['all', 'grass', 'cows', 'eat'] },
      op('move', '/foo/3', { from: '/foo/1' }),
      { foo: ['all', 'cows', 'eat', 'grass'] },
    ],
    [
      '8 test',
      { baz: 'qux', foo: ['a', 2, 'c'] },
      op('test', '/foo/1', { value: 2 }),
      { baz: 'qux', foo: ['a', 2, 'c'] },
    ],
    ['9 test that fails', { baz: 'qux' }, op('test', '/baz', { value: 'bar' }), 422],
    [
      '10 add a nested object',
      { foo: 'bar' },
      op('add', '/child', { value: { a: {} } }),
      { foo: 'bar', child: { a: {} } },
    ],
    [
      '11 ignore unknown members of an operation',
      { foo: 'bar' },
      op('add', '/baz', { value: 1, xyz: 2 }),
      { foo: 'bar', baz: 1 },
    ],
    ['12 add below a missing object', { foo: 'bar' }, op('add', '/baz/bat', { value: 'qux' }), 422],
    ['14 ~ before /', { '/': 9, '~1': 10 }, op('test', '/~01', { value: 10 }), { '/': 9, '~1': 10 }],
    ['15 a string does not equal a number', { '/': 9, '~1': 10 }, op('test', '/~01', { value: '10' }), 422],
    ['16 append a list', { foo: ['bar'] }, op('add', '/foo/-', { value: ['abc'] }), { foo: ['bar', ['abc']] }],
  ]
  for (const [name, target, operation, expected] of cases)
    test(name, () =>
      assert.equal(outcome(target, operation), typeof expected === 'number' ? expected : JSON.stringify(expected)),
    )
})

test('an operation on a list needs an index within the list', () => {
  const target = { list: ['a', 'b'] }
  for (const index of ['length', '2', '3', '-', '-1', '01', '', '1.0', '1e0', '4294967296', '__proto__', 'map'])
    for (const operation of [
      { op: 'remove', path: `/list/${index}` },
      { op: 'replace', path: `/list/${index}`, value: 'c' },
      { op: 'test', path: `/list/${index}`, value: 'a' },
      { op: 'copy', from: `/list/${index}`, path: '/list/0' },
      { op: 'move', from: `/list/${index}`, path: '/list/0' },
    ])
      assert.equal(outcome(target, operation), 422, JSON.stringify(operation))
  for (const index of ['length', '3', '-1', '01', '', '4294967296', '4294967297', '__proto__', 'map'])
    assert.equal(outcome(target, { op: 'add', path: `/list/${index}`, value: 'c' }), 422, index)
  for (const index of ['2', '-'])
    assert.equal(outcome(target, { op: 'add', path: `/list/${index}`, value: 'c' }), '{"list":["a","b","c"]}')
})

test('a patch is applied completely or not at all, and does not change its input', () => {
  const target = { a: { b: 1 }, list: [{ c: 1 }] }
  const failing = { op: 'test', path: '/a/b', value: 3 }
  assert.equal(outcome(target, { op: 'add', path: '/a/b', value: 2 }, { op: 'remove', path: '/list/0' }, failing), 422)
  assert.deepEqual(target, { a: { b: 1 }, list: [{ c: 1 }] })
})

test('a copy shares nothing with its source, nor with the prototype of objects', () => {
  const copied = outcome(
    { a: { b: 1 } },
    { op: 'copy', from: '/a', path: '/c' },
    { op: 'add', path: '/c/__proto__', value: { polluted: 1 } },
    { op: 'add', path: '/c/__proto__/polluted', value: 2 },
    { op: 'move', from: '/c/__proto__', path: '/d' },
  )
  assert.equal(copied, '{"a":{"b":1},"c":{"b":1},"d":{"polluted":2}}')
  assert.equal(({} as { polluted?: number }).polluted, undefined)
})

test('operations on missing fields and impossible moves are refused', () => {
  for (const operation of [
    { op: 'copy', path: '/b' },
    { op: 'move', path: '/b' },
    { op: 'add', path: '/b' },
    { op: 'replace', path: '/b', value: 1 },
    { op: 'test', path: '/b', value: null },
    { op: 'move', from: '/a', path: '/a/b' },
    { op: 'move', from: '', path: '/b' },
    { op: 'remove', path: '' },
    { op: 'replace', path: '', value: [] },
    { op: 'constructor', path: '/a' },
  ])
    assert.equal(outcome({ a: {} }, operation), 422, JSON.stringify(operation))
})

test('moves that nest an object deeper and deeper are refused', () => {
  const chain = (levels: number): object => (levels === 0 ? {} : { a: chain(levels - 1) })
  const nest = [
    { op: 'add', path: '/b', value: chain(90) },
    { op: 'move', from: '/a', path: `/b${'/a'.repeat(91)}` },
    { op: 'move', from: '/b', path: '/a' },
  ]
  assert.equal(outcome({ a: {} }, ...Array.from({ length: 2000 }, () => nest).flat()), 400)
})
