import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WorkerTable } from '../../../src/ps/workers.ts'
import { worker } from './fixtures.ts'

test('a newer pod takes the place of the former, which is fenced for good', () => {
  const table = new WorkerTable()
  assert.equal(table.admit(worker(3, 'first')), undefined)
  assert.equal(table.admit(worker(3, 'first')), undefined, 'it may connect again')
  assert.equal(table.admit(worker(3, 'second')), 'first')
  assert.throws(() => table.admit(worker(3, 'first')), { code: 'FENCED' })
  assert.throws(() => table.of(worker(3, 'first')), { code: 'FENCED' })
  assert.equal(table.of(worker(3, 'second')).podUid, 'second')
})

test('a pod that never said hello may not speak', () => {
  assert.throws(() => new WorkerTable().of(worker(0)), { code: 'FENCED' })
})

test('that a worker index contributed outlives its pods', () => {
  const table = new WorkerTable()
  table.admit(worker(0, 'first'))
  table.of(worker(0, 'first')).contributed = true
  table.admit(worker(0, 'second'))
  table.admit(worker(1))
  assert.equal(table.contributed, 1)
})

test('a checkpoint keeps sequence numbers and fences', () => {
  const table = new WorkerTable()
  table.admit(worker(0, 'first'))
  table.admit(worker(0, 'second'))
  Object.assign(table.of(worker(0, 'second')), { lastSeq: 7, lastResult: 'applied' })
  const restored = new WorkerTable(JSON.parse(JSON.stringify(table.save())))
  assert.equal(restored.of(worker(0, 'second')).lastSeq, 7)
  assert.throws(() => restored.admit(worker(0, 'first')), { code: 'FENCED' })
})

test('the list of fenced pods is bounded: the oldest is forgotten', () => {
  const table = new WorkerTable()
  for (let i = 0; i <= 4098; i++) table.admit(worker(0, `pod-${i}`))
  const { superseded } = table.save()
  assert.equal(superseded.length, 4096)
  assert.equal(superseded[0], 'pod-2')
})
