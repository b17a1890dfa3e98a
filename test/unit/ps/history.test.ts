import assert from 'node:assert/strict'
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { History } from '../../../src/ps/history.ts'
import { silentLog } from '../../../src/support/log.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const root = temporaryFolder()

function record(step: number) {
  return { step, at: '', loss: 1, learningRate: 1, examplesPerSecond: 1, stalenessMean: 0, workers: 1 }
}

const stepsIn = (path: string) =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).step)

test('the history of a job of any length has about 400 lines', () => {
  assert.equal(new History('x', 36_000_000, silentLog).everySteps, 90_000)
  assert.equal(new History('x', 10, silentLog).everySteps, 1)
})

test('truncation removes the records after the restored checkpoint, and a torn last line', async () => {
  const path = join(root, 'job', 'history.jsonl')
  const history = new History(path, 100, silentLog)
  for (const step of [10, 20, 30]) history.append(record(step))
  await history.flush()
  appendFileSync(path, '{"step":4')
  history.truncateAfter(20)
  history.append(record(21))
  await history.flush()
  assert.deepEqual(stepsIn(path), [10, 20, 21])
})

test('a history that cannot be written does not stop training', async () => {
  const file = join(root, 'file')
  appendFileSync(file, '')
  const history = new History(join(file, 'history.jsonl'), 100, silentLog)
  history.append(record(1))
  await history.flush()
})
