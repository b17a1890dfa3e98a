import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { DownpourError, errorText, withCode, withoutCode } from '../../../src/support/errors.ts'

suite('withCode and errorText', () => {
  const cases: [string, string, string][] = [
    ['DATA_EMPTY', 'no pictures', 'DATA_EMPTY: no pictures'],
    ['DATA_EMPTY', 'DATA_EMPTY: no pictures', 'DATA_EMPTY: no pictures'],
    ['ENOSPC', 'ENOSPC: no space left on device, write', 'ENOSPC: no space left on device, write'],
    ['ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:80', 'connect ECONNREFUSED 127.0.0.1:80'],
    ['AppArmor', 'Cannot enforce AppArmor: no profile', 'AppArmor: Cannot enforce AppArmor: no profile'],
    ['DATA', 'DATA_EMPTY: no pictures', 'DATA: DATA_EMPTY: no pictures'],
  ]
  for (const [code, message, text] of cases) test(text, () => assert.equal(withCode(code, message), text))

  test('show errors of Downpour, of Node and of libraries', () => {
    assert.equal(errorText(new DownpourError('DATA_EMPTY', 'no pictures')), 'DATA_EMPTY: no pictures')
    assert.equal(errorText(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })), 'EIO: i/o error, read')
    assert.equal(errorText('boom'), 'UNKNOWN: boom')
  })

  test('withoutCode removes the code from the message', () => {
    assert.equal(withoutCode('EIO', 'EIO: i/o error, read'), 'i/o error, read')
    assert.equal(withoutCode('EIO', 'the disk'), 'the disk')
  })
})
