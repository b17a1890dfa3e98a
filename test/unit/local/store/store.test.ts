import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Pages } from '../../../../src/local/api/pages.ts'
import { expireEvents } from '../../../../src/local/store/event-expiry.ts'
import { collectGarbage } from '../../../../src/local/store/garbage.ts'
import { Journal } from '../../../../src/local/store/journal.ts'
import type { Stored, StoredEvent } from '../../../../src/local/store/objects.ts'
import { resourceOfKind } from '../../../../src/local/store/resources.ts'
import { ObjectStore } from '../../../../src/local/store/store.ts'
import { FakeClock } from '../../../support/fake-clock.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'

const folder = temporaryFolder()
let files = 0
const newFile = () => join(folder, `journal-${files++}`)

const MAPS = resourceOfKind('ConfigMap')
const named = (name: string, more: object = {}) => ({ metadata: { name, ...more } }) as unknown as Stored
const openStore = (file: string, clock = new FakeClock()) => new ObjectStore(new Journal(file), clock)
const names = (store: ObjectStore, namespace?: string) =>
  store.list(MAPS, namespace).map(({ metadata }) => metadata.name)

test('objects survive a restart, and versions continue', () => {
  const file = newFile()
  const before = openStore(file)
  before.create(MAPS, 'a', named('kept'))
  before.delete(MAPS, before.create(MAPS, 'a', named('deleted')))
  const after = openStore(file)
  assert.deepEqual([names(after), after.version], [['kept'], before.version])
})

test('versions continue over two restarts even if all objects were deleted', () => {
  const file = newFile()
  const store = openStore(file)
  store.delete(MAPS, store.create(MAPS, 'a', named('x')))
  openStore(file)
  assert.equal(openStore(file).version, store.version)
})

test('after a restart, a watch from an older version gets 410, and one from the newest version does not', () => {
  const file = newFile()
  const { version } = openStore(file).create(MAPS, 'a', named('x')).metadata.resourceVersion
    ? openStore(file)
    : assert.fail()
  const store = openStore(file)
  assert.throws(() => store.watch(version - 1, () => {}), { code: 'Expired' })
  store.watch(version, () => {})()
})

test('a torn last line of the journal is ignored', () => {
  const file = newFile()
  openStore(file).create(MAPS, 'a', named('whole'))
  writeFileSync(file, `${readFileSync(file, 'utf8')}{"put":{"kind":"ConfigMap","meta`)
  const store = openStore(file)
  store.create(MAPS, 'a', named('next'))
  assert.deepEqual(names(openStore(file)), ['next', 'whole'])
})

test('the journal is compacted when most of its lines are obsolete', () => {
  const file = newFile()
  const store = new ObjectStore(new Journal(file, { minCompactBytes: 10_000 }), new FakeClock())
  let object = store.create(MAPS, 'a', named('busy'))
  for (let i = 0; i < 500; i++) object = store.update(MAPS, object, { ...object, data: { i: String(i) } }, 'object')
  assert.ok(statSync(file).size < 11_000, `${statSync(file).size} bytes`)
  const [again] = openStore(file).list(MAPS)
  assert.deepEqual(again, object)
})

test('a list of a namespace has no objects of a namespace whose name begins with it', () => {
  const store = openStore(newFile())
  store.create(MAPS, 'default', named('mine'))
  store.create(MAPS, 'default2', named('other'))
  assert.deepEqual([names(store, 'default'), names(store)], [['mine'], ['mine', 'other']])
})

test('each listener gets events in the order of versions, also for writes of other listeners', () => {
  const store = openStore(newFile())
  collectGarbage(store)
  const heard: StoredEvent[] = []
  store.subscribe((event) => heard.push(event))
  const owner = store.create(MAPS, 'a', named('owner'))
  const reference = { uid: owner.metadata.uid, kind: 'ConfigMap', name: 'owner' }
  store.create(MAPS, 'a', named('child', { ownerReferences: [reference] }))
  store.delete(MAPS, owner)
  assert.deepEqual(
    heard.map(({ type, object, version }) => `${version} ${type} ${object.metadata.name}`),
    ['2 ADDED owner', '3 ADDED child', '4 DELETED owner', '5 DELETED child'],
  )
})

test('an event expires an hour after its last repetition', async () => {
  const clock = new FakeClock()
  const store = openStore(newFile(), clock)
  const events = resourceOfKind('Event')
  const at = (minutes: number) => new Date(clock.nowMs() + minutes * 60_000).toISOString()
  store.create(events, 'a', { ...named('old'), lastTimestamp: at(0) })
  store.create(events, 'a', { ...named('repeated'), lastTimestamp: at(30) })
  await clock.advance(61 * 60_000)
  expireEvents(store, clock)()
  assert.deepEqual(
    store.list(events).map(({ metadata }) => metadata.name),
    ['repeated'],
  )
})

test('a continue token expires after five minutes', async () => {
  const clock = new FakeClock()
  const pages = new Pages(clock)
  const first = pages.first({ objects: ['a', 'b', 'c'].map((name) => named(name)), version: 9 }, 2)
  assert.equal(first.remaining, 1)
  await clock.advance(4 * 60_000)
  assert.equal(pages.next(first.continue as string, 2).objects[0]?.metadata.name, 'c')
  await clock.advance(2 * 60_000)
  assert.throws(() => pages.next(first.continue as string, 2), { code: 'Expired', httpStatus: 410 })
})
