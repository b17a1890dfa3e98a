import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WorkerTable } from '../../../src/ps/workers.ts'
import { worker } from './fixtures.ts'

const isThere = () => true
const isGone = () => false

test('a newer pod replaces the former one, which stays fenced', () => {
  const table = new WorkerTable()
  assert.equal(table.admit(worker(3, 'first'), 0, isThere), undefined)
  assert.equal(table.admit(worker(3, 'first'), 0, isThere), undefined, 'the same pod may connect again')
  assert.equal(table.admit(worker(3, 'second'), 0, isThere), 'first')
  assert.throws(() => table.admit(worker(3, 'first'), 0, isThere), { code: 'FENCED' })
  assert.throws(() => table.of(worker(3, 'first')), { code: 'FENCED' })
  assert.equal(table.of(worker(3, 'second')).podUid, 'second')
})

test('a pod cannot be two workers', () => {
  const table = new WorkerTable()
  table.admit(worker(3, 'first'), 0, isThere)
  assert.throws(() => table.admit(worker(4, 'first'), 0, isThere), {
    code: 'WRONG_PLACE',
    message: /is worker 3, not 4/,
  })
  assert.equal(table.of(worker(3, 'first')).index, 3)
})

test('a pod of an earlier attempt does not replace a connected one of a later attempt', () => {
  const table = new WorkerTable()
  table.admit(worker(3, 'second'), 1, isGone)
  assert.throws(() => table.admit(worker(3, 'first'), 0, isThere), { code: 'PLACE_TAKEN' })
  assert.equal(table.of(worker(3, 'second')).podUid, 'second')
  assert.equal(table.admit(worker(3, 'third'), 2, isThere), 'second')
})

test('a pod of an earlier attempt replaces one that is gone, because attempts of deleted pods start again at 0', () => {
  const table = new WorkerTable()
  table.admit(worker(3, 'evicted'), 4, isThere)
  assert.equal(table.admit(worker(3, 'recreated'), 0, isGone), 'evicted')
})

test('a pod that is known only from a checkpoint does not keep an earlier attempt out', () => {
  const table = new WorkerTable()
  table.admit(worker(3, 'live'), 5, isThere)
  const restored = new WorkerTable(table.save())
  assert.equal(restored.admit(worker(3, 'zombie'), 1, isThere), 'live')
  assert.throws(() => restored.admit(worker(3, 'live'), 5, isThere), { code: 'FENCED' })
})

test('a zombie pod loses to the pod of the later attempt, in either order of arrival', () => {
  const table = new WorkerTable()
  table.admit(worker(3, 'zombie'), 1, isGone)
  assert.equal(table.admit(worker(3, 'live'), 2, isThere), 'zombie')
  const other = new WorkerTable()
  other.admit(worker(3, 'live'), 2, isGone)
  assert.throws(() => other.admit(worker(3, 'zombie'), 1, isThere), { code: 'PLACE_TAKEN' })
})

test('a pod that was not admitted is fenced', () => {
  assert.throws(() => new WorkerTable().of(worker(0)), { code: 'FENCED' })
})

test('a worker index counts as having contributed after its pod was replaced', () => {
  const table = new WorkerTable()
  table.admit(worker(0, 'first'), 0, isThere)
  table.of(worker(0, 'first')).contributed = true
  table.admit(worker(0, 'second'), 0, isThere)
  table.admit(worker(1), 0, isThere)
  assert.equal(table.contributed, 1)
})

test('a checkpoint keeps sequence numbers and fences', () => {
  const table = new WorkerTable()
  table.admit(worker(0, 'first'), 0, isThere)
  table.admit(worker(0, 'second'), 0, isThere)
  Object.assign(table.of(worker(0, 'second')), { lastSeq: 7, lastResult: 'applied' })
  const restored = new WorkerTable(JSON.parse(JSON.stringify(table.save())))
  assert.equal(restored.of(worker(0, 'second')).lastSeq, 7)
  assert.throws(() => restored.admit(worker(0, 'first'), 0, isThere), { code: 'FENCED' })
})

test('the list of fenced pods is bounded and drops the oldest', () => {
  const table = new WorkerTable()
  for (let i = 0; i <= 4098; i++) table.admit(worker(0, `pod-${i}`), 0, isThere)
  const { superseded } = table.save()
  assert.equal(superseded.length, 4096)
  assert.equal(superseded[0], 'pod-2')
})
