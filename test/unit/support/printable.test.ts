import assert from 'node:assert/strict'
import { test } from 'node:test'
import { printable } from '../../../src/support/printable.ts'

test('control and invisible characters are escaped; letters of all scripts are not', () => {
  assert.equal(printable('a\x1b[31mb\n'), 'a\\u001b[31mb\\u000a')
  assert.equal(printable('\u202eabc'), '\\u202eabc')
  assert.equal(printable('a\u200bnt\u00ad\u2060\ufeff'), 'a\\u200bnt\\u00ad\\u2060\\ufeff')
  for (const name of ['caf\u00e9', '猫', '🐈\u200d⬛', 'می\u200cخواهم', 'a b']) assert.equal(printable(name), name)
})
