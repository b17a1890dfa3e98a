import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cacheRoot } from '../../../src/support/cache-root.mjs'

const CASES: [string, Record<string, string>, string][] = [
  ['DOWNPOUR_CACHE', { DOWNPOUR_CACHE: '/big/disk', XDG_CACHE_HOME: '/xdg', HOME: '/home/me' }, '/big/disk'],
  ['the cache folder of the user', { XDG_CACHE_HOME: '/xdg', HOME: '/home/me' }, '/xdg/downpour'],
  ['~/.cache if no variable is set', { HOME: '/home/me' }, '/home/me/.cache/downpour'],
  [
    '~/.cache if variables are empty',
    { DOWNPOUR_CACHE: '', XDG_CACHE_HOME: '', HOME: '/home/me' },
    '/home/me/.cache/downpour',
  ],
  ['~/.cache if XDG_CACHE_HOME is relative', { XDG_CACHE_HOME: 'x', HOME: '/home/me' }, '/home/me/.cache/downpour'],
]
for (const [what, environment, expected] of CASES)
  test(`the cache root is ${what}`, () => assert.equal(cacheRoot(environment), expected))

test('a relative DOWNPOUR_CACHE is refused, because set-up and pods run in different folders', () => {
  assert.throws(
    () => cacheRoot({ DOWNPOUR_CACHE: 'cache' }),
    /^Error: DOWNPOUR_CACHE=cache: expected an absolute path$/,
  )
})
