import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mapLimit } from '../../../src/kube/map-limit.ts'

test('all items are processed, with at most `limit` calls at once', async () => {
  let running = 0
  let most = 0
  const { values, errors } = await mapLimit([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setImmediate(resolve))
    running--
    return item * 10
  })
  assert.deepEqual(values, [10, 20, 30, 40, 50, 60, 70])
  assert.deepEqual([most, errors], [3, []])
})

test('failures are collected with their items, and the other items are processed', async () => {
  const { values, errors } = await mapLimit(['a', 'b', 'c', 'd'], 2, async (item) => {
    if (item === 'b' || item === 'd') throw new Error(`no ${item}`)
    return item
  })
  assert.deepEqual(values, ['a', 'c'])
  assert.deepEqual(
    errors.map(({ item, error }) => [item, (error as Error).message]),
    [
      ['b', 'no b'],
      ['d', 'no d'],
    ],
  )
})

test('an empty list resolves at once', async () => {
  assert.deepEqual(await mapLimit([], 4, async () => 1), { values: [], errors: [] })
})
