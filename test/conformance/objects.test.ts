import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { configMap, JSON_PATCH, job, pod, useApi } from './api.ts'

const api = useApi()

test('create sets uid, version and time; a second object with the name is AlreadyExists', async () => {
  const made = await api().create(api().maps, configMap('twice'))
  assert.equal(made.status, 201)
  assert.match(made.body.metadata.uid, /^[0-9a-f-]{36}$/)
  assert.match(made.body.metadata.resourceVersion, /^\d+$/)
  assert.match(made.body.metadata.creationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  const again = await api().create(api().maps, configMap('twice'))
  assert.deepEqual([again.status, again.body.kind, again.body.reason], [409, 'Status', 'AlreadyExists'])
  assert.equal(again.body.details.name, 'twice')
})

test('generateName gives distinct names', async () => {
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'made-' } }
  const [a, b] = await Promise.all([api().create(api().maps, body), api().create(api().maps, body)])
  assert.match(a.body.metadata.name, /^made-\w{5}$/)
  assert.notEqual(a.body.metadata.name, b.body.metadata.name)
})

test('create refuses an invalid or missing name, another kind or namespace, and a version', async () => {
  const wrongName = await api().create(api().maps, configMap('Bad_Name'))
  assert.deepEqual([wrongName.status, wrongName.body.details.causes[0].field], [422, 'metadata.name'])
  const unnamed = await api().create(api().maps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} })
  assert.equal(unnamed.status, 422)
  assert.equal((await api().create(api().maps, { ...configMap('x'), kind: 'Secret' })).status, 400)
  assert.equal((await api().create(api().maps, configMap('x', { namespace: 'elsewhere' }))).status, 400)
  assert.ok((await api().create(api().maps, configMap('x', { resourceVersion: '1' }))).status >= 400)
  assert.equal((await api().get(`${api().maps}/x`)).status, 404)
})

test('labels, annotations and owners are validated as in Kubernetes', async () => {
  const owner = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', name, uid: name, controller: true })
  for (const [metadata, status, field] of [
    [{ labels: { 'a b': 'c' } }, 422, 'metadata.labels'],
    [{ labels: { a: 'c d' } }, 422, 'metadata.labels'],
    [{ labels: { a: 'x'.repeat(64) } }, 422, 'metadata.labels'],
    [{ ownerReferences: [{ ...owner('a'), uid: '' }] }, 422, 'metadata.ownerReferences.uid'],
    [{ ownerReferences: [owner('a'), owner('b')] }, 422, 'metadata.ownerReferences'],
    [{ labels: { a: 1 } }, 400, undefined],
    [{ annotations: { a: true } }, 400, undefined],
    [{ labels: { 'a.example/b_c': '', plain: '1.2-3' }, annotations: { 'a/b': 'c d' } }, 201, undefined],
  ] as const) {
    const answer = await api().create(api().maps, configMap('marked', metadata))
    const shown = JSON.stringify(metadata)
    assert.deepEqual([answer.status, answer.body.details?.causes?.[0].field], [status, field], shown)
  }
})

test('a patch cannot change the name, the namespace or the kind', async () => {
  const path = `${api().jobs}/steady`
  await api().create(api().jobs, job('steady'))
  assert.equal((await api().patch(path, { metadata: { name: 'other' } })).status, 400)
  assert.equal((await api().patch(path, { metadata: { namespace: 'other' } })).status, 400)
  assert.equal((await api().patch(path, { kind: 'Other' })).status, 422)
  assert.equal((await api().patch(`${path}?force=true`, {})).status, 422)
})

test('each verb answers NotFound for a missing object', async () => {
  const path = `${api().maps}/missing`
  const body = configMap('missing')
  const answers = await Promise.all([
    api().get(path),
    api().call('PUT', path, { body }),
    api().patch(path, {}),
    api().call('DELETE', path),
  ])
  for (const { status, body } of answers) assert.deepEqual([status, body.reason], [404, 'NotFound'])
})

test('all kinds share increasing versions; a write without a change keeps the version', async () => {
  const a = await api().create(api().maps, configMap('rising'))
  const b = await api().create(api().jobs, job('rising'))
  const c = await api().patch(`${api().maps}/rising`, { data: { a: '2' } })
  const versions = [a, b, c].map(({ body }) => Number(body.metadata.resourceVersion))
  assert.deepEqual(
    [...versions].sort((x, y) => x - y),
    versions,
  )
  const same = await api().patch(`${api().maps}/rising`, { data: { a: '2' } })
  assert.equal(same.body.metadata.resourceVersion, c.body.metadata.resourceVersion)
})

test('an update with an old version is a Conflict; uid and time cannot be changed', async () => {
  const path = `${api().maps}/raced`
  const { body: first } = await api().create(api().maps, configMap('raced'))
  const second = await api().call('PUT', path, { body: { ...first, data: { a: '2' } } })
  assert.equal(second.status, 200)
  const late = await api().call('PUT', path, { body: { ...first, data: { a: '3' } } })
  assert.deepEqual([late.status, late.body.reason], [409, 'Conflict'])
  const patched = await api().patch(path, { metadata: { resourceVersion: first.metadata.resourceVersion } })
  assert.equal(patched.status, 409)
  const uid = '00000000-0000-0000-0000-000000000000'
  assert.equal(
    (await api().call('PUT', path, { body: { ...second.body, metadata: { ...second.body.metadata, uid } } })).status,
    409,
  )
  const early = { ...second.body, metadata: { ...second.body.metadata, creationTimestamp: '2001-01-01T00:00:00Z' } }
  const kept = await api().call('PUT', path, { body: early })
  assert.equal(kept.body.metadata.creationTimestamp, first.metadata.creationTimestamp)
})

test('a custom resource cannot be replaced without its version or under another name', async () => {
  await api().create(api().jobs, job('blind'))
  const blind = await api().call('PUT', `${api().jobs}/blind`, { body: job('blind') })
  assert.deepEqual([blind.status, blind.body.details.causes[0].field], [422, 'metadata.resourceVersion'])
  assert.equal((await api().call('PUT', `${api().jobs}/blind`, { body: job('other') })).status, 400)
})

test('delete checks uid and version, and answers with a Status when the object is gone', async () => {
  const path = `${api().maps}/guarded`
  const { body: made } = await api().create(api().maps, configMap('guarded'))
  const withUid = await api().call('DELETE', path, { body: { preconditions: { uid: 'another' } } })
  assert.deepEqual([withUid.status, withUid.body.reason], [409, 'Conflict'])
  const { uid, resourceVersion } = made.metadata
  await api().patch(path, { data: { a: '2' } })
  const stale = await api().call('DELETE', path, { body: { preconditions: { uid, resourceVersion } } })
  assert.equal(stale.status, 409)
  const gone = await api().call('DELETE', path, { body: { preconditions: { uid } } })
  assert.deepEqual([gone.status, gone.body.kind, gone.body.status], [200, 'Status', 'Success'])
})

test('a delete with invalid options deletes nothing', async () => {
  await api().create(api().maps, configMap('spared'))
  const { status } = await api().call('DELETE', `${api().maps}/spared`, { body: { gracePeriodSeconds: 'soon' } })
  assert.ok(status >= 400, String(status))
  assert.equal((await api().get(`${api().maps}/spared`)).status, 200)
})

test('deletecollection deletes the objects that the selector matches', async () => {
  for (const [name, part] of [
    ['c1', 'x'],
    ['c2', 'x'],
    ['c3', 'y'],
  ] as const)
    await api().create(api().maps, configMap(name, { labels: { part } }))
  assert.equal((await api().call('DELETE', `${api().maps}?labelSelector=part%3Dx`)).status, 200)
  const left = await api().get(`${api().maps}?labelSelector=part`)
  assert.deepEqual(
    left.body.items.map((item: { metadata: { name: string } }) => item.metadata.name),
    ['c3'],
  )
})

test('an object being deleted stays until its finalizers are removed, and accepts no new ones', async () => {
  const path = `${api().jobs}/held`
  const { body: made } = await api().create(api().jobs, job('held', {}, { finalizers: ['example.com/hold'] }))
  const marked = await api().call('DELETE', path)
  assert.equal(marked.status, 200)
  assert.ok(marked.body.metadata.deletionTimestamp)
  assert.equal(marked.body.metadata.generation, made.metadata.generation + 1)
  const again = await api().call('DELETE', path)
  assert.equal(again.status, 200)
  const late = await api().patch(path, { metadata: { finalizers: ['example.com/hold', 'example.com/late'] } })
  assert.equal(late.status, 422)
  assert.equal((await api().patch(path, { metadata: { finalizers: [] } })).status, 200)
  assert.equal((await api().get(path)).status, 404)
})

test('dependents are deleted with their last owner', async () => {
  const owners = await Promise.all(['owner-a', 'owner-b'].map((name) => api().create(api().maps, configMap(name))))
  const [a, b] = owners.map(({ body }) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name: body.metadata.name,
    uid: body.metadata.uid,
  }))
  await api().create(api().maps, configMap('of-one', { ownerReferences: [a] }))
  await api().create(api().maps, configMap('of-both', { ownerReferences: [a, b] }))
  await api().call('DELETE', `${api().maps}/owner-a`)
  await eventually(async () => assert.equal((await api().get(`${api().maps}/of-one`)).status, 404), {
    timeoutMs: 30_000,
  })
  assert.equal((await api().get(`${api().maps}/of-both`)).status, 200)
  await api().call('DELETE', `${api().maps}/owner-b`)
  await eventually(async () => assert.equal((await api().get(`${api().maps}/of-both`)).status, 404), {
    timeoutMs: 30_000,
  })
})

test('Orphan keeps dependents; Foreground keeps the owner until its dependents are gone', async () => {
  const ownedBy = async (name: string, dependent: object) => {
    const { body } = await api().create(api().maps, configMap(name))
    const owner = { apiVersion: 'v1', kind: 'ConfigMap', name, uid: body.metadata.uid, blockOwnerDeletion: true }
    await api().create(api().maps, configMap(`${name}-child`, { ownerReferences: [owner], ...dependent }))
  }
  await ownedBy('parting', {})
  await api().call('DELETE', `${api().maps}/parting?propagationPolicy=Orphan`)
  await eventually(async () => assert.equal((await api().get(`${api().maps}/parting`)).status, 404), {
    timeoutMs: 30_000,
  })
  assert.equal((await api().get(`${api().maps}/parting-child`)).body.metadata.ownerReferences, undefined)
  await ownedBy('waiting', { finalizers: ['example.com/hold'] })
  await api().call('DELETE', `${api().maps}/waiting?propagationPolicy=Foreground`)
  await eventually(
    async () => assert.ok((await api().get(`${api().maps}/waiting-child`)).body.metadata.deletionTimestamp),
    { timeoutMs: 30_000 },
  )
  assert.equal((await api().get(`${api().maps}/waiting`)).status, 200)
  await api().patch(`${api().maps}/waiting-child`, { metadata: { finalizers: null } })
  await eventually(async () => assert.equal((await api().get(`${api().maps}/waiting`)).status, 404), {
    timeoutMs: 30_000,
  })
})

test('a pod on a node is deleted gracefully; grace period 0, or no node, removes it at once', async () => {
  await api().create(api().pods, pod('unbound', {}, { schedulerName: 'none' }))
  await api().call('DELETE', `${api().pods}/unbound`)
  assert.equal((await api().get(`${api().pods}/unbound`)).status, 404)
  await api().create(api().pods, pod('bound', {}, { nodeName: 'nowhere', terminationGracePeriodSeconds: 7 }))
  const marked = await api().call('DELETE', `${api().pods}/bound`)
  assert.equal(marked.body.metadata.deletionGracePeriodSeconds, 7)
  const longer = await api().call('DELETE', `${api().pods}/bound?gracePeriodSeconds=20`)
  assert.equal(longer.body.metadata.deletionGracePeriodSeconds, 7)
  const shorter = await api().call('DELETE', `${api().pods}/bound`, { body: { gracePeriodSeconds: 3 } })
  assert.equal(shorter.body.metadata.deletionGracePeriodSeconds, 3)
  await api().call('DELETE', `${api().pods}/bound?gracePeriodSeconds=0`)
  assert.equal((await api().get(`${api().pods}/bound`)).status, 404)
})

test('dryRun validates and answers each write without storing it', async () => {
  const made = await api().create(`${api().maps}?dryRun=All`, configMap('dry'))
  assert.equal(made.status, 201)
  assert.equal((await api().get(`${api().maps}/dry`)).status, 404)
  const { body: stored } = await api().create(api().maps, configMap('dry'))
  const path = `${api().maps}/dry`
  assert.equal((await api().create(`${api().maps}?dryRun=All`, configMap('dry'))).status, 409)
  const put = await api().call('PUT', `${path}?dryRun=All`, { body: { ...stored, data: { a: 'put' } } })
  assert.equal(put.body.data.a, 'put')
  const patched = await api().patch(`${path}?dryRun=All`, [{ op: 'replace', path: '/data/a', value: 'x' }], JSON_PATCH)
  assert.equal(patched.body.data.a, 'x')
  await api().apply(path, configMap('dry', {}, { b: '2' }), 'dry', '&dryRun=All')
  await api().call('DELETE', `${path}?dryRun=All`)
  assert.equal((await api().get(path)).body.metadata.resourceVersion, stored.metadata.resourceVersion)
})

test('the refusal of an invalid option names its field', async () => {
  const options = {
    dryRun: await api().create(`${api().maps}?dryRun=Some`, configMap('unmade')),
    fieldValidation: await api().create(`${api().jobs}?fieldValidation=Some`, job('unmade')),
    propagationPolicy: await api().call('DELETE', `${api().maps}/unmade?propagationPolicy=Some`),
  }
  for (const [field, { status, body }] of Object.entries(options)) {
    assert.deepEqual([status, body.reason, body.details.causes[0].field], [422, 'Invalid', field])
    assert.match(body.details.causes[0].message, /^Unsupported value: .*: supported values: /)
  }
})
