import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { claimFolder, parseIdentity } from '../../../src/contract/parse-config.ts'
import { ENV, FOLDER_ENV, MOUNTS, type PlaceArgs } from '../../../src/contract/runtime.ts'

const POD = { [ENV.podUid]: 'uid-1' }

test('the identity of a process has its index from the arguments and its pod from the environment', () => {
  const identity = parseIdentity({ index: '17', attempt: '3' }, POD)
  assert.deepEqual(identity, { index: 17, attempt: 3, podUid: 'uid-1' })
})

suite('a missing or malformed index is refused with the argument and its value:', () => {
  const cases: [PlaceArgs, RegExp][] = [
    [{ attempt: '0' }, /^--index: got nothing, expected a whole number/],
    [{ index: '-1', attempt: '0' }, /^--index: got "-1", expected a whole number/],
    [{ index: '0', attempt: 'first' }, /^--attempt: got "first", expected a whole number/],
  ]
  for (const [args, message] of cases) {
    test(JSON.stringify(args), () => assert.throws(() => parseIdentity(args, POD), { code: 'CONFIG_INVALID', message }))
  }

  test('a missing uid of the pod is refused too', () => {
    const expected = { code: 'CONFIG_INVALID', message: /^DOWNPOUR_POD_UID: got nothing/ }
    assert.throws(() => parseIdentity({ index: '0', attempt: '0' }, {}), expected)
  })
})

test('a claim is at its mount path, unless local mode sets a folder', () => {
  assert.equal(claimFolder('checkpoint', {}), MOUNTS.checkpoint)
  assert.equal(claimFolder('checkpoint', { [FOLDER_ENV.checkpoint]: '/home/me/jft' }), '/home/me/jft')
})
