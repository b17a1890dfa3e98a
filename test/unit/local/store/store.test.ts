import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Pages } from '../../../../src/local/api/pages.ts'
import { expireEvents } from '../../../../src/local/store/event-expiry.ts'
import { collectGarbage } from '../../../../src/local/store/garbage.ts'
import { Journal } from '../../../../src/local/store/journal.ts'
import type { Stored, StoredEvent } from '../../../../src/local/store/objects.ts'
import { resourceOfKind } from '../../../../src/local/store/resources.ts'
import { ObjectStore } from '../../../../src/local/store/store.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

const folder = mkdtempSync(join(tmpdir(), 'downpour-store-'))
after(() => rmSync(folder, { recursive: true }))
let files = 0
const newFile = () => join(folder, `journal-${files++}`)

const MAPS = resourceOfKind('ConfigMap')
const named = (name: string, more: object = {}) => ({ metadata: { name, ...more } }) as unknown as Stored
const openStore = (file: string, clock = new FakeClock()) => new ObjectStore(new Journal(file), clock)
const names = (store: ObjectStore, namespace?: string) =>
  store.list(MAPS, namespace).map(({ metadata }) => metadata.name)

test('what was stored is there after a restart, and versions go on', () => {
  const file = newFile()
  const before = openStore(file)
  before.create(MAPS, 'a', named('kept'))
  before.delete(MAPS, before.create(MAPS, 'a', named('deleted')))
  const after = openStore(file)
  assert.deepEqual([names(after), after.version], [['kept'], before.version])
})

test('versions go on even when everything was deleted, over two restarts', () => {
  const file = newFile()
  const store = openStore(file)
  store.delete(MAPS, store.create(MAPS, 'a', named('x')))
  openStore(file)
  assert.equal(openStore(file).version, store.version)
})

test('a restart forgets the past: who resumes from before it is told 410, who is up to date is not', () => {
  const file = newFile()
  const { version } = openStore(file).create(MAPS, 'a', named('x')).metadata.resourceVersion
    ? openStore(file)
    : assert.fail()
  const store = openStore(file)
  assert.throws(() => store.watch(version - 1, () => {}), { code: 'Expired' })
  store.watch(version, () => {})()
})

test('a torn last line is the write that was never answered', () => {
  const file = newFile()
  openStore(file).create(MAPS, 'a', named('whole'))
  writeFileSync(file, `${readFileSync(file, 'utf8')}{"put":{"kind":"ConfigMap","meta`)
  const store = openStore(file)
  store.create(MAPS, 'a', named('next'))
  assert.deepEqual(names(openStore(file)), ['next', 'whole'])
})

test('a journal is written anew when most of it is past', () => {
  const file = newFile()
  const store = new ObjectStore(new Journal(file, { minCompactBytes: 10_000 }), new FakeClock())
  let object = store.create(MAPS, 'a', named('busy'))
  for (let i = 0; i < 500; i++) object = store.update(MAPS, object, { ...object, data: { i: String(i) } }, 'object')
  assert.ok(statSync(file).size < 11_000, `${statSync(file).size} bytes`)
  const [again] = openStore(file).list(MAPS)
  assert.deepEqual(again, object)
})

test('a namespace is not a prefix of another', () => {
  const store = openStore(newFile())
  store.create(MAPS, 'default', named('mine'))
  store.create(MAPS, 'default2', named('other'))
  assert.deepEqual([names(store, 'default'), names(store)], [['mine'], ['mine', 'other']])
})

test('everybody hears of writes in the order of their versions, those that a listener makes too', () => {
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

test('events are forgotten an hour after they were last repeated', async () => {
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

test('pages of a list are kept for five minutes, then a new list is asked for', async () => {
  const clock = new FakeClock()
  const pages = new Pages(clock)
  const first = pages.first({ objects: ['a', 'b', 'c'].map((name) => named(name)), version: 9 }, 2)
  assert.equal(first.remaining, 1)
  await clock.advance(4 * 60_000)
  assert.equal(pages.next(first.continue as string, 2).objects[0]?.metadata.name, 'c')
  await clock.advance(2 * 60_000)
  assert.throws(() => pages.next(first.continue as string, 2), { code: 'Expired', httpStatus: 410 })
})
