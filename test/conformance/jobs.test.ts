import assert from 'node:assert/strict'
import { test } from 'node:test'
import { METADATA_CASES } from '../support/metadata-cases.ts'
import { type Answer, APPLY, configMap, JSON_PATCH, job, MERGE, pod, STRATEGIC, useApi } from './api.ts'

const api = useApi()
/** Fields of the causes, without the cause of no field that a real server adds when it skipped its CEL rules. */
const fields = ({ body }: Answer): string[] =>
  body.details.causes.map(({ field }: { field: string }) => field).filter((field: string) => field !== '<nil>')

test('an invalid job is refused with the path of each wrong field', async () => {
  const refused = await api().create(api().jobs, job('wrong', { workers: { replicas: 0 }, batchSize: -1 }))
  assert.deepEqual([refused.status, refused.body.reason], [422, 'Invalid'])
  assert.deepEqual(fields(refused).sort(), ['spec.batchSize', 'spec.workers.replicas'])
  assert.match(refused.body.message, /^PretrainJob\.downpour\.dev "wrong" is invalid: /)
  const changed = await api().create(api().jobs, job('right'))
  assert.equal(changed.status, 201)
  const immutable = await api().patch(`${api().jobs}/right`, { spec: { task: { classes: 11 } } })
  assert.deepEqual([immutable.status, fields(immutable)], [422, ['spec.task']])
})

test('the server fills in defaults of the schema, but not values of a preset', async () => {
  const { body } = await api().create(api().jobs, job('filled'))
  assert.equal(body.spec.backoffLimit, 20)
  assert.equal(body.spec.learningRate, undefined)
})

test('an unknown field is refused, dropped with a warning, or dropped, as fieldValidation says', async () => {
  const strict = await api().create(`${api().jobs}?fieldValidation=Strict`, job('odd', { maxStepz: 1 }))
  assert.equal(strict.status, 400)
  assert.match(strict.body.message, /unknown field "spec\.maxStepz"/)
  const warned = await api().create(`${api().jobs}?fieldValidation=Warn`, job('odd', { maxStepz: 1 }))
  assert.deepEqual([warned.status, warned.body.spec.maxStepz], [201, undefined])
  assert.match(String(warned.headers.warning), /299.*unknown field .*spec\.maxStepz/)
  const ignored = await api().create(`${api().jobs}?fieldValidation=Ignore`, job('odd2', { maxStepz: 1 }))
  assert.deepEqual([ignored.status, ignored.headers.warning], [201, undefined])
})

test('an unknown field makes a patch Invalid under strict validation', async () => {
  await api().create(api().jobs, job('oddly'))
  const path = `${api().jobs}/oddly?fieldValidation=Strict`
  const refused = await api().patch(path, { spec: { maxStepz: 1 } })
  assert.deepEqual([refused.status, fields(refused)], [422, ['patch']])
  assert.match(refused.body.message, /unknown field \\?"spec\.maxStepz/)
})

test('a default replaces null', async () => {
  const { status, body } = await api().create(api().jobs, job('null', { batchSize: null, backoffLimit: null }))
  assert.deepEqual([status, 'batchSize' in body.spec, body.spec.backoffLimit], [201, false, 20])
})

test('a label or annotation that is null becomes the empty text', async () => {
  const metadata = { labels: { team: null }, annotations: { note: null } }
  const { status, body } = await api().create(api().jobs, job('null-label', {}, metadata))
  assert.deepEqual([status, body.metadata.labels, body.metadata.annotations], [201, { team: '' }, { note: '' }])
})

for (const [what, metadata, refused] of METADATA_CASES)
  test(`metadata ${refused ? 'is refused' : 'is accepted'}: ${what}`, async () => {
    const path = `${api().jobs}?dryRun=All&fieldValidation=Strict`
    const { status, body } = await api().create(path, job('written', {}, metadata))
    assert.equal(status < 300, refused === undefined, `${status} ${body.message}`)
    assert.ok(status === 201 || status === 400 || status === 422, `${status} ${body.message}`)
  })

test('a job without kind is refused', async () => {
  assert.equal((await api().create(api().jobs, { ...job('kindless'), kind: undefined })).status, 400)
})

test('a status write keeps the spec, a spec write the status, and only a changed spec increments the generation', async () => {
  const path = `${api().jobs}/parts`
  const made = await api().create(api().jobs, { ...job('parts'), status: { phase: 'Running' } })
  assert.deepEqual([made.body.status, made.body.metadata.generation], [undefined, 1])
  const status = await api().patch(`${path}/status`, { spec: { maxSteps: 5 }, status: { phase: 'Running' } })
  assert.deepEqual(
    [status.body.spec.maxSteps, status.body.status.phase, status.body.metadata.generation],
    [100, 'Running', 1],
  )
  const spec = await api().patch(path, { spec: { maxSteps: 200 }, status: { phase: 'Failed' } })
  assert.deepEqual(
    [spec.body.spec.maxSteps, spec.body.status.phase, spec.body.metadata.generation],
    [200, 'Running', 2],
  )
  const labelled = await api().patch(path, { metadata: { labels: { a: 'b' } } })
  assert.equal(labelled.body.metadata.generation, 2)
  const { body: now } = await api().get(path)
  const put = await api().call('PUT', `${path}/status`, { body: { ...now, spec: {}, status: { phase: 'Succeeded' } } })
  assert.deepEqual([put.body.spec.maxSteps, put.body.status.phase], [200, 'Succeeded'])
  const lost = await api().call('PUT', `${path}/status`, { body: now })
  assert.equal(lost.status, 409)
})

test('a status must match the schema', async () => {
  await api().create(api().jobs, job('strange'))
  const refused = await api().patch(`${api().jobs}/strange/status`, { status: { phase: 'Bored' } })
  assert.deepEqual([refused.status, fields(refused)], [422, ['status.phase']])
  assert.equal(refused.body.details.causes[0].reason, 'FieldValueNotSupported')
  assert.match(refused.body.message, /status\.phase: Unsupported value: "Bored": supported values: "Pending", /)
  const typed = await api().patch(`${api().jobs}/strange/status`, { status: { progress: { step: 'x' } } })
  assert.equal(typed.body.details.causes[0].reason, 'FieldValueTypeInvalid')
  assert.match(typed.body.message, /status\.progress\.step: Invalid value: "string": .*must be of type integer/)
})

test('a merge patch removes by null and replaces lists; a JSON patch applies in order, completely or not at all', async () => {
  const path = `${api().maps}/patched`
  await api().create(api().maps, configMap('patched', { labels: { a: '1', b: '2' } }))
  const merged = await api().patch(path, { metadata: { labels: { a: null, c: '3' } } }, MERGE)
  assert.deepEqual(merged.body.metadata.labels, { b: '2', c: '3' })
  const operations = [
    { op: 'test', path: '/data/a', value: '1' },
    { op: 'add', path: '/metadata/labels/x~1y', value: 'new' },
    { op: 'copy', from: '/data/a', path: '/data/copied' },
    { op: 'move', from: '/data/a', path: '/data/moved' },
  ]
  const patched = await api().patch(path, operations, JSON_PATCH)
  assert.deepEqual(patched.body.data, { copied: '1', moved: '1' })
  assert.deepEqual(patched.body.metadata.labels, { b: '2', c: '3', 'x/y': 'new' })
  const failing = [
    { op: 'remove', path: '/data/moved' },
    { op: 'test', path: '/data/copied', value: 'other' },
  ]
  assert.equal((await api().patch(path, failing, JSON_PATCH)).status, 422)
  assert.equal((await api().get(path)).body.data.moved, '1')
  assert.equal((await api().patch(path, [{ op: 'remove', path: '/data/none' }], JSON_PATCH)).status, 422)
  assert.equal((await api().patch(path, [{ op: 'none', path: '/data/moved' }], JSON_PATCH)).status, 422)
  assert.equal((await api().patch(path, { op: 'remove', path: '/data/moved' }, JSON_PATCH)).status, 400)
})

test('a JSON patch with an index or a key that does not exist is refused', async () => {
  await api().create(api().maps, configMap('edges'))
  const path = `${api().maps}/edges?dryRun=All`
  const made = { op: 'add', path: '/metadata/finalizers', value: ['x/a', 'x/b'] }
  const list = async (operation: object) => {
    const { status, body } = await api().patch(path, [made, operation], JSON_PATCH)
    return status === 200 ? body.metadata.finalizers : status
  }
  const at = (index: string) => `/metadata/finalizers/${index}`
  for (const index of ['2', 'length', '-', '']) {
    assert.equal(await list({ op: 'remove', path: at(index) }), 422, `remove ${index}`)
    assert.equal(await list({ op: 'replace', path: at(index), value: 'x/c' }), 422, `replace ${index}`)
    assert.equal(await list({ op: 'test', path: at(index), value: 'x/b' }), 422, `test ${index}`)
  }
  for (const index of ['3', 'length', '', '4294967296'])
    assert.equal(await list({ op: 'add', path: at(index), value: 'x/c' }), 422, `add ${index}`)
  for (const index of ['-', '2'])
    assert.deepEqual(await list({ op: 'add', path: at(index), value: 'x/c' }), ['x/a', 'x/b', 'x/c'])
  assert.deepEqual(await list({ op: 'move', from: at('0'), path: at('-') }), ['x/b', 'x/a'])
  assert.deepEqual(await list({ op: 'remove', path: at('0') }), ['x/b'])
  const own = { op: 'add', path: '/data/__proto__', value: '1' }
  const { body } = await api().patch(path, [own], JSON_PATCH)
  assert.ok(Object.keys(body.data).includes('__proto__'))
  for (const operation of [
    { op: 'remove', path: '/data/toString' },
    { op: 'add', path: '/data/toString/x', value: '1' },
    { op: 'copy', path: '/data/x' },
    { op: 'move', from: '/metadata', path: '/metadata/annotations' },
  ])
    assert.equal(await list(operation), 422, JSON.stringify(operation))
})

test('a key of a ConfigMap must be a file name', async () => {
  const refused = await api().create(api().maps, configMap('keyed', {}, { 'x/y': '1' }))
  assert.deepEqual([refused.status, fields(refused)], [422, ['data[x/y]']])
})

test('a strategic merge patch merges keyed lists of built-in kinds, and custom resources refuse it', async () => {
  await api().create(api().pods, pod('strategic'))
  const patch = { status: { conditions: [{ type: 'A', status: 'True' }] } }
  await api().patch(`${api().pods}/strategic/status`, patch, STRATEGIC)
  const more = {
    status: {
      conditions: [
        { type: 'B', status: 'True' },
        { type: 'A', status: 'False' },
      ],
    },
  }
  const { body } = await api().patch(`${api().pods}/strategic/status`, more, STRATEGIC)
  const conditions = body.status.conditions.map(({ type, status }: Record<string, string>) => `${type}=${status}`)
  assert.ok(conditions.includes('A=False') && conditions.includes('B=True'), String(conditions))
  await api().create(api().jobs, job('nostrategy'))
  assert.equal((await api().patch(`${api().jobs}/nostrategy`, {}, STRATEGIC)).status, 415)
})

test('apply creates, changes nothing when repeated, and removes fields that its manager omits', async () => {
  const path = `${api().jobs}/applied`
  const made = await api().apply(path, job('applied', { batchSize: 4 }, { labels: { a: '1' } }))
  assert.equal(made.status, 201)
  const again = await api().apply(path, job('applied', { batchSize: 4 }, { labels: { a: '1' } }))
  assert.deepEqual([again.status, again.body.metadata.resourceVersion], [200, made.body.metadata.resourceVersion])
  await api().patch(path, { metadata: { labels: { theirs: '2' } } })
  const less = await api().apply(path, job('applied'))
  assert.deepEqual([less.body.spec.batchSize, less.body.metadata.labels], [undefined, { theirs: '2' }])
  assert.equal(less.body.spec.backoffLimit, 20)
})

test('apply of an unknown field is refused with any fieldValidation', async () => {
  const refused = await api().apply(`${api().jobs}/unowned`, job('unowned', { maxStepz: 1 }))
  assert.ok(refused.status >= 400, String(refused.status))
  assert.match(refused.body.message, /spec\.maxStepz/)
})

test('apply of a field of another manager is a Conflict unless forced', async () => {
  const path = `${api().jobs}/contested`
  await api().apply(path, job('contested'), 'one')
  const contested = job('contested', { maxSteps: 300 })
  const refused = await api().apply(path, contested, 'two')
  assert.deepEqual([refused.status, refused.body.reason, fields(refused)], [409, 'Conflict', ['.spec.maxSteps']])
  const forced = await api().apply(path, contested, 'two', '&force=true')
  assert.deepEqual([forced.status, forced.body.spec.maxSteps], [200, 300])
  // Both managers own the other fields, which stay while one of them applies them.
  const { data: _shared, ...spec } = contested.spec
  const less = await api().apply(path, { ...contested, spec }, 'two')
  assert.deepEqual([less.status, less.body.spec.data?.format], [200, 'tfrecord'])
})

test('apply needs a field manager, refuses managedFields, and checks a given version', async () => {
  await api().apply(`${api().maps}/m`, configMap('m'))
  assert.equal((await api().patch(`${api().maps}/m`, configMap('m'), APPLY)).status, 422)
  assert.equal((await api().apply(`${api().maps}/m`, configMap('m', { managedFields: [{}] }))).status, 400)
  assert.equal((await api().apply(`${api().maps}/m`, configMap('m', { resourceVersion: '1' }, { a: '9' }))).status, 409)
})

test('scale reads and sets the number of workers, checks the version, and validates as the job does', async () => {
  const path = `${api().jobs}/scaled/scale`
  await api().create(api().jobs, job('scaled'))
  const { body: scale } = await api().get(path)
  assert.deepEqual(
    [scale.kind, scale.apiVersion, scale.spec.replicas, scale.status.replicas],
    ['Scale', 'autoscaling/v1', 2, 0],
  )
  const put = await api().call('PUT', path, { body: { ...scale, spec: { replicas: 5 } } })
  assert.deepEqual([put.status, put.body.spec.replicas], [200, 5])
  assert.equal((await api().call('PUT', path, { body: { ...scale, spec: { replicas: 6 } } })).status, 409)
  assert.equal((await api().patch(path, { spec: { replicas: 3 } })).body.spec.replicas, 3)
  for (const replicas of [0, -1, 1e6])
    assert.equal((await api().patch(path, { spec: { replicas } })).status, 422, String(replicas))
  const { body: after } = await api().get(`${api().jobs}/scaled`)
  assert.deepEqual([after.spec.workers.replicas, after.metadata.generation], [3, 3])
})
