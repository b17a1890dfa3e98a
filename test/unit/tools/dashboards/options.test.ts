import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseOptions } from '../../../../tools/dashboards/options.ts'

const NOW = 10_000

test('the time range ends now and has 30 minutes unless it is given', () => {
  assert.deepEqual(parseOptions([], NOW).range, { from: NOW - 1800, to: NOW })
  assert.deepEqual(parseOptions(['--minutes', '5', '--to', '1970-01-01T01:00:00Z'], NOW).range, {
    from: 3300,
    to: 3600,
  })
  assert.deepEqual(parseOptions(['--from', '10', '--to', '20.5'], NOW).range, { from: 10, to: 20.5 })
})

test('a variable has each value that is named, and may belong to one dashboard', () => {
  const { wanted } = parseOptions(['--var', 'a=1', '--var', 'a=x=y', '--var', 'job:kind=K'], NOW)
  assert.deepEqual(
    [...wanted],
    [
      ['a', ['1', 'x=y']],
      ['job:kind', ['K']],
    ],
  )
})

test('what cannot be understood is refused by its name', () => {
  for (const [args, name] of [
    [['--theme', 'blue'], '--theme'],
    [['--minutes', '0'], '--minutes'],
    [['--from', 'soon'], '--from'],
    [['--from', '20', '--to', '10'], '--from'],
    [['--var', 'a'], '--var'],
    [['--colour'], '--colour'],
  ] as const)
    assert.throws(() => parseOptions(args, NOW), { code: 'INVALID_OPTION', message: new RegExp(name) })
})
