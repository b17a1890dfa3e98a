import assert from 'node:assert/strict'
import { test } from 'node:test'
import { counted } from '../../../src/support/counted.ts'

test('only one is singular', () => {
  const texts = [0, 1, 2].map((count) => counted(count, 'shard'))
  assert.deepEqual(texts, ['0 shards', '1 shard', '2 shards'])
  assert.equal(counted(2, 'class', 'classes'), '2 classes')
})
