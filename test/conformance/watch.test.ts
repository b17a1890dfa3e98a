import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configMap, REAL, useApi, type WatchLine } from './api.ts'

const api = useApi()

const summaryOf = (lines: readonly WatchLine[]) => lines.map(({ type, object }) => `${type} ${object.metadata.name}`)
const has = (count: number) => (lines: WatchLine[]) => lines.length >= count
const versionNow = async () => (await api().get(api().maps)).body.metadata.resourceVersion as string

test('a watch from a version sends later events in order, each with its version', async () => {
  const from = await versionNow()
  await api().create(api().maps, configMap('w1'))
  await api().patch(`${api().maps}/w1`, { data: { a: '2' } })
  await api().call('DELETE', `${api().maps}/w1`)
  const lines = await api().watch(api().maps, `resourceVersion=${from}&timeoutSeconds=10`, has(3))
  assert.deepEqual(summaryOf(lines), ['ADDED w1', 'MODIFIED w1', 'DELETED w1'])
  const versions = lines.map(({ object }) => Number(object.metadata.resourceVersion))
  assert.ok(
    versions.every((version, i) => version > (versions[i - 1] ?? Number(from))),
    String(versions),
  )
})

test('an open watch gets events of new writes, of its namespace and kind alone', async () => {
  const watching = api().watch(api().maps, `resourceVersion=${await versionNow()}&timeoutSeconds=10`, has(1))
  await api().create(api().pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: { containers: [{ name: 'a', image: 'b' }] },
  })
  await api().create(api().maps, configMap('live'))
  assert.deepEqual(summaryOf(await watching), ['ADDED live'])
})

test('a watch without a version, or from 0, begins with the existing objects', async () => {
  await api().create(api().maps, configMap('there', { labels: { begin: 'yes' } }))
  for (const version of ['', '&resourceVersion=0']) {
    const lines = await api().watch(api().maps, `labelSelector=begin&timeoutSeconds=10${version}`, has(1))
    assert.deepEqual(summaryOf(lines), ['ADDED there'])
  }
})

test('with a selector, an object that begins to match is ADDED and one that no longer matches is DELETED', async () => {
  await api().create(api().maps, configMap('turning', { labels: { side: 'a' } }))
  const from = await versionNow()
  await api().patch(`${api().maps}/turning`, { metadata: { labels: { side: 'b' } } })
  await api().patch(`${api().maps}/turning`, { metadata: { labels: { side: 'a' } } })
  const query = (side: string) => `resourceVersion=${from}&timeoutSeconds=10&labelSelector=side%3D${side}`
  assert.deepEqual(summaryOf(await api().watch(api().maps, query('a'), has(2))), ['DELETED turning', 'ADDED turning'])
  assert.deepEqual(summaryOf(await api().watch(api().maps, query('b'), has(2))), ['ADDED turning', 'DELETED turning'])
})

test('a watch can select an object by its name', async () => {
  const from = await versionNow()
  await api().create(api().maps, configMap('other'))
  await api().create(api().maps, configMap('named'))
  const query = `resourceVersion=${from}&timeoutSeconds=10&fieldSelector=metadata.name%3Dnamed`
  assert.deepEqual(summaryOf(await api().watch(api().maps, query, has(1))), ['ADDED named'])
})

test('timeoutSeconds ends a watch; only a watch that requests bookmarks gets them', async () => {
  const startedMs = performance.now()
  const from = await versionNow()
  const [plain, marked] = await Promise.all([
    api().watch(api().maps, `resourceVersion=${from}&timeoutSeconds=1`),
    api().watch(api().maps, `resourceVersion=${from}&timeoutSeconds=1&allowWatchBookmarks=true`),
  ])
  assert.ok(performance.now() - startedMs >= 900)
  assert.deepEqual(plain, [])
  for (const { type, object } of marked) {
    assert.deepEqual([type, object.kind], ['BOOKMARK', 'ConfigMap'])
    assert.ok(Number(object.metadata.resourceVersion) >= Number(from))
  }
  // A real server sends bookmarks at any time or never; local mode always sends one at the end.
  if (!REAL) assert.equal(marked.length, 1)
})

test('sendInitialEvents sends the existing objects and then a bookmark with an annotation', async () => {
  await api().create(api().maps, configMap('initial', { labels: { initial: 'yes' } }))
  const query =
    'labelSelector=initial&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=10'
  const lines = await api().watch(api().maps, query, (all) => all.some(({ type }) => type === 'BOOKMARK'))
  assert.equal(summaryOf(lines)[0], 'ADDED initial')
  const annotations = lines.at(-1)?.object.metadata.annotations as Record<string, string>
  assert.equal(annotations['k8s.io/initial-events-end'], 'true')
})

test('a watch from a version that is too old gets an ERROR event with 410', async () => {
  // This version is older than our CRDs on any server.
  const [line] = await api().watch(api().jobs, 'resourceVersion=1&timeoutSeconds=10', has(1))
  assert.deepEqual([line?.type, line?.object.kind, line?.object.code], ['ERROR', 'Status', 410])
  assert.match(String(line?.object.reason), /^(Expired|Gone)$/)
})

test('an invalid version is refused, and so is a list from a future version', async () => {
  const list = await api().get(`${api().maps}?resourceVersion=abc`)
  assert.deepEqual([list.status, list.body.reason], [400, 'BadRequest'])
  // A real server answers 500.
  assert.ok((await api().get(`${api().maps}?watch=true&resourceVersion=abc`)).status >= 400)
  const future = await api().get(`${api().maps}?resourceVersion=99999999999`)
  assert.equal(future.status, 504)
})

test('an invalid or misplaced resourceVersionMatch is refused', async () => {
  for (const query of [
    'resourceVersionMatch=None&resourceVersion=1',
    'resourceVersionMatch=Exact',
    'watch=true&resourceVersion=1&resourceVersionMatch=NotOlderThan',
    'watch=true&sendInitialEvents=true',
  ]) {
    const { status, body } = await api().get(`${api().maps}?${query}`)
    assert.deepEqual([status, body.details.causes[0].field], [422, 'resourceVersionMatch'], query)
  }
})

test('all pages of a list show the same snapshot; the last has no continue token', async () => {
  const names = ['p1', 'p2', 'p3', 'p4', 'p5']
  for (const name of names) await api().create(api().maps, configMap(name, { labels: { page: 'yes' } }))
  const path = `${api().maps}?labelSelector=page&limit=2`
  const first = (await api().get(path)).body
  await api().call('DELETE', `${api().maps}/p1`)
  await api().call('DELETE', `${api().maps}/p4`)
  await api().create(api().maps, configMap('p0', { labels: { page: 'yes' } }))
  const second = (await api().get(`${path}&continue=${first.metadata.continue}`)).body
  const third = (await api().get(`${path}&continue=${second.metadata.continue}`)).body
  const seen = [first, second, third].flatMap(({ items }) => items)
  assert.deepEqual(
    seen.map(({ metadata }) => metadata.name),
    names,
  )
  assert.equal(third.metadata.continue, undefined)
  assert.equal(third.metadata.resourceVersion, first.metadata.resourceVersion)
  assert.equal((await api().get(`${path}&continue=nonsense`)).status, 400)
})

test('label and field selectors filter; an unsupported field or an invalid selector is refused', async () => {
  await api().create(api().maps, configMap('s1', { labels: { app: 'x', tier: 'front' } }))
  await api().create(api().maps, configMap('s2', { labels: { app: 'x' } }))
  await api().create(api().maps, configMap('s3', { labels: { app: 'y' } }))
  const select = async (query: string) => {
    const { body } = await api().get(`${api().maps}?${new URLSearchParams(query)}`)
    return body.items
      .map(({ metadata }: WatchLine['object']) => metadata.name)
      .filter((name: string) => /^s\d$/.test(name))
  }
  assert.deepEqual(await select('labelSelector=app=x'), ['s1', 's2'])
  assert.deepEqual(await select('labelSelector=app=x,!tier'), ['s2'])
  assert.deepEqual(await select('labelSelector=app in (x,y),tier!=front'), ['s2', 's3'])
  assert.deepEqual(await select('labelSelector=app notin (x)'), ['s3'])
  assert.deepEqual(await select('fieldSelector=metadata.name=s3'), ['s3'])
  assert.equal((await api().get(`${api().maps}?fieldSelector=nonsense`)).status, 400)
  assert.equal((await api().get(`${api().maps}?fieldSelector=data.a%3D1`)).status, 400)
  assert.equal((await api().get(`${api().maps}?labelSelector=app%20in`)).status, 400)
})
