import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareVersions, objectKey, parseKey } from '../../../src/kube/objects.ts'

test('resource versions are compared as numbers of any size', () => {
  assert.ok(compareVersions('9', '10') < 0)
  assert.ok(compareVersions('18446744073709551615', '18446744073709551614') > 0)
  assert.equal(compareVersions('007', '7'), 0)
  assert.equal(compareVersions('', '7'), 0, 'unknown is not older')
  assert.equal(compareVersions('abc', '7'), 0)
})

test('a key can be parsed into namespace and name', () => {
  const key = objectKey({ metadata: { namespace: 'team', name: 'a.b' } })
  assert.deepEqual([key, parseKey(key)], ['team/a.b', { namespace: 'team', name: 'a.b' }])
  assert.deepEqual(parseKey(objectKey({ metadata: { name: 'node-1' } })), { namespace: undefined, name: 'node-1' })
})
