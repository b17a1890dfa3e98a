/** docs/monitoring.md says how many series a job has, and what two months of them need on disk. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { RECORDING_RULES } from '../../../tools/monitoring/recording-rules.ts'
import { section } from '../../support/markdown.ts'
import {
  countSeries,
  evaluatorRegistry,
  JOB,
  operatorRegistry,
  psRegistry,
  workerRegistry,
} from '../../support/series.ts'

const TEXT = section(readFileSync('docs/monitoring.md', 'utf8'), 'How much it stores')
/** What Prometheus adds to each target: up, and four series about the scrape. */
const OF_TARGET = 5
const TOLERANCE = 0.1
const TWO_MONTHS_SECONDS = 60 * 24 * 3600
const BYTES_OF_SAMPLE = 2
const GIGABYTE = 1e9

const ofProcess = async (registry: Parameters<typeof countSeries>[0]) => (await countSeries(registry)) + OF_TARGET
const counted = {
  'each worker': await ofProcess(workerRegistry()),
  'parameter server 0': await ofProcess(psRegistry(true)),
  'each other parameter server': await ofProcess(psRegistry(false)),
  'the evaluator': await ofProcess(evaluatorRegistry()),
  'the operator': await ofProcess(operatorRegistry()),
  'recording rules': RECORDING_RULES.length,
}
const TIMES: Readonly<Record<string, number>> = {
  'each worker': JOB.workers,
  'each other parameter server': JOB.parameterServers - 1,
}
const sum = Object.entries(counted).reduce((all, [what, series]) => all + series * (TIMES[what] ?? 1), 0)

/** @returns the number in a column of the row that begins with these words */
function figure(row: string, column = 1): number {
  const line = TEXT.split('\n').find((one) => one.startsWith(`| ${row}`))
  const cell = line?.split('|')[column + 1]
  return Number(cell?.replace(/[^\d.]/g, ''))
}

function isNear(given: number, real: number): void {
  assert.ok(Math.abs(given / real - 1) <= TOLERANCE, `the text has ${given}, and ${real} were counted`)
}

suite('the text has the number of series of', () => {
  for (const [what, series] of Object.entries(counted)) test(what, () => isNear(figure(what), series))
  test('a job', () => isNear(figure('all'), sum))
})

suite('the text has the gigabytes of two months at an interval of', () => {
  for (const seconds of [15, 30])
    test(`${seconds} s`, () => {
      const samples = (sum * TWO_MONTHS_SECONDS) / seconds
      isNear(figure(`${seconds} s`), samples / TWO_MONTHS_SECONDS)
      isNear(figure(`${seconds} s`, 2), (samples * BYTES_OF_SAMPLE) / GIGABYTE)
    })
})

test('without the series of each worker, parameter server 0 has no more than the leases besides those of the others', async () => {
  const leases = 3
  assert.equal(await countSeries(psRegistry(true, false)), (await countSeries(psRegistry(false))) + leases)
  const saved = (await countSeries(psRegistry(true))) - (await countSeries(psRegistry(true, false)))
  isNear(Number(/turns off (\d+)/.exec(TEXT)?.[1]), saved)
})
