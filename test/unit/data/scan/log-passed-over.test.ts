import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Tally } from '../../../../src/data/scan/kinds.ts'
import { logPassedOver } from '../../../../src/data/scan/log-passed-over.ts'
import type { Log } from '../../../../src/support/log.ts'
import { recordedLog } from '../../../support/recorded-log.ts'

function logged(tally: Tally): { levels: string[]; facts: object[] } {
  const facts: object[] = []
  const log = recordedLog()
  const remember = (tell: Log['info']) => (fact: object, message: string) => {
    facts.push(fact)
    tell(fact, message)
  }
  logPassedOver(tally.list(), { ...log, info: remember(log.info), warn: remember(log.warn) })
  return { levels: log.lines.map((line) => line.split(' ', 1)[0] ?? ''), facts }
}

test('skipped files are logged once with counts and examples, as a warning if they look like data', () => {
  const tally = new Tally()
  assert.deepEqual(logged(tally).levels, [])
  tally.add('system', 'bee/.DS_Store')
  tally.add('system', 'ant/.DS_Store')
  assert.deepEqual(logged(tally), {
    levels: ['info'],
    facts: [{ passedOver: ['2 files of a system or a tool, e.g. ant/.DS_Store'] }],
  })
  tally.add('archive', 'ant.tar')
  assert.deepEqual(logged(tally), {
    levels: ['warn'],
    facts: [
      { passedOver: ['2 files of a system or a tool, e.g. ant/.DS_Store', '1 archives, not unpacked, e.g. ant.tar'] },
    ],
  })
})
