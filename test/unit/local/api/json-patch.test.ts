import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonPatch } from '../../../../src/local/api/json-patch.ts'

test('a JSON patch reaches nothing that all objects inherit', () => {
  for (const path of ['/__proto__/polluted', '/constructor/prototype/polluted', '/spec/toString/x'])
    assert.throws(() => jsonPatch({ spec: {} }, [{ op: 'add', path, value: 1 }]), { httpStatus: 422 })
  assert.equal(({} as { polluted?: number }).polluted, undefined)
  const patched = jsonPatch({ spec: {} }, [{ op: 'add', path: '/spec/__proto__', value: { a: 1 } }])
  assert.deepEqual(Object.keys(patched.spec as object), ['__proto__'])
})

test('copies of copies end at the limit of a request, and what is no operation is a bad request', () => {
  const copies = Array.from({ length: 60 }, (_, i) => ({ op: 'copy', from: '/spec', path: `/spec/${i}` }))
  assert.throws(() => jsonPatch({ spec: { text: 'x'.repeat(1000) } }, copies), { httpStatus: 422, message: /copies/ })
  for (const operation of [null, 1, { op: 'add' }, { op: 'add', path: 3 }, { op: 'move', path: '/a', from: 'b' }])
    assert.throws(() => jsonPatch({}, [operation]), { httpStatus: 400 })
})
