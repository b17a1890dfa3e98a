import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { claimFolder, parseIdentity } from '../../../src/contract/parse-config.ts'
import { ENV, FOLDER_ENV, MOUNTS, type PlaceArgs } from '../../../src/contract/runtime.ts'

const POD = { [ENV.podUid]: 'uid-1' }

test('a process knows its place by its arguments and its pod by its environment', () => {
  const identity = parseIdentity({ index: '17', attempt: '3' }, POD)
  assert.deepEqual(identity, { index: 17, attempt: 3, podUid: 'uid-1' })
})

suite('a place that is not told, or in words, is refused with the argument and what it was', () => {
  const cases: [PlaceArgs, RegExp][] = [
    [{ attempt: '0' }, /^--index: got nothing, expected a whole number/],
    [{ index: '-1', attempt: '0' }, /^--index: got "-1", expected a whole number/],
    [{ index: '0', attempt: 'first' }, /^--attempt: got "first", expected a whole number/],
  ]
  for (const [args, message] of cases) {
    test(JSON.stringify(args), () => assert.throws(() => parseIdentity(args, POD), { code: 'CONFIG_INVALID', message }))
  }

  test('as is a pod without a uid', () => {
    const expected = { code: 'CONFIG_INVALID', message: /^DOWNPOUR_POD_UID: got nothing/ }
    assert.throws(() => parseIdentity({ index: '0', attempt: '0' }, {}), expected)
  })
})

test('a claim is where it is mounted, unless local mode names a folder', () => {
  assert.equal(claimFolder('checkpoint', {}), MOUNTS.checkpoint)
  assert.equal(claimFolder('checkpoint', { [FOLDER_ENV.checkpoint]: '/home/me/jft' }), '/home/me/jft')
})
