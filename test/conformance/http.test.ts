import assert from 'node:assert/strict'
import { test } from 'node:test'
import { API_VERSION } from '../../src/contract/names.ts'
import { configMap, job, useApi } from './api.ts'

const api = useApi()
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'

test('an invalid token is Unauthorized, and a request without one may not read', async () => {
  const wrong = await api().callAsStranger(api().maps, { authorization: 'Bearer wrong' })
  assert.deepEqual([wrong.status, wrong.body.kind, wrong.body.reason], [401, 'Status', 'Unauthorized'])
  for (const headers of [{}, { authorization: 'Basic d3Jvbmc6d3Jvbmc=' }] as Record<string, string>[]) {
    const { status, body } = await api().callAsStranger(api().maps, headers)
    // A server may authenticate such a request as system:anonymous and forbid it everything.
    assert.ok(status === 401 || status === 403, String(status))
    assert.deepEqual([body.kind, body.status], ['Status', 'Failure'])
  }
})

test('a body that is too large gets an answer instead of a broken connection', async () => {
  const raw = JSON.stringify(configMap('large', {}, { a: 'x'.repeat(4 * 2 ** 20) }))
  const { status, body } = await api().call('POST', api().maps, { raw })
  assert.deepEqual([status, body.reason], [413, 'RequestEntityTooLarge'])
})

test('an unknown media type is 415, and a body that cannot be parsed is 400', async () => {
  assert.equal((await api().call('POST', api().maps, { raw: 'x', type: 'text/plain' })).status, 415)
  assert.equal((await api().call('PATCH', `${api().maps}/x`, { raw: '{}', type: 'application/json' })).status, 415)
  assert.equal((await api().call('POST', api().maps, { raw: '{"metadata":' })).status, 400)
  const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: from-yaml\n'
  assert.equal((await api().call('POST', api().maps, { raw: yaml, type: 'application/yaml' })).status, 201)
})

test('unknown paths, versions and subresources are NotFound, and an unsupported method is MethodNotAllowed', async () => {
  await api().create(api().maps, configMap('here'))
  for (const path of [
    '/api/v2/pods',
    '/apis/none.example/v1/things',
    `${api().maps}/here/scale`,
    `${api().maps}/here/status`,
  ])
    assert.equal((await api().get(path)).status, 404, path)
  assert.equal((await api().call('PUT', api().maps, { body: configMap('x') })).status, 405)
  assert.equal((await api().call('POST', '/api/v1/configmaps', { body: configMap('x') })).status, 405)
})

test('discovery lists our kinds with their short names, categories and subresources', async () => {
  const { body } = await api().get(`/apis/${API_VERSION}`)
  assert.equal(body.kind, 'APIResourceList')
  const names = body.resources.map(({ name }: { name: string }) => name).sort()
  assert.deepEqual(names, [
    'finetunejobs',
    'finetunejobs/scale',
    'finetunejobs/status',
    'pretrainjobs',
    'pretrainjobs/scale',
    'pretrainjobs/status',
  ])
  const job = body.resources.find(({ name }: { name: string }) => name === 'pretrainjobs')
  assert.deepEqual(
    [job.kind, job.namespaced, job.shortNames, job.categories],
    ['PretrainJob', true, ['pj'], ['downpour']],
  )
  const { body: groups } = await api().get('/apis')
  assert.ok(groups.groups.some(({ name }: { name: string }) => name === 'downpour.dev'))
  assert.match((await api().get('/version')).body.gitVersion, /^v1\.\d+/)
})

test('OpenAPI describes our kinds, and has the parameter that makes kubectl leave validation to the server', async () => {
  const { body: text } = await api().get('/openapi/v3')
  // A real server sends the index as plain text.
  const index = typeof text === 'string' ? JSON.parse(text) : text
  const { body } = await api().get(index.paths[`apis/${API_VERSION}`].serverRelativeURL)
  const kinds = Object.values(body.components.schemas as Record<string, Record<string, unknown>>).flatMap(
    (schema) => (schema['x-kubernetes-group-version-kind'] ?? []) as { kind: string }[],
  )
  assert.ok(kinds.some(({ kind }) => kind === 'PretrainJob'))
  assert.match(JSON.stringify(body.paths), /fieldValidation/)
})

test('a Table has the printer columns, one row for each object, and pages', async () => {
  for (const name of ['t1', 't2', 't3']) await api().create(api().jobs, job(name))
  await api().patch(`${api().jobs}/t1/status`, { status: { phase: 'Running', progress: { step: 7 } } })
  const { body } = await api().call('GET', `${api().jobs}?limit=2`, { accept: TABLE })
  const columns = body.columnDefinitions.map(({ name }: { name: string }) => name)
  assert.deepEqual(columns, ['Name', 'Phase', 'Step', 'Progress', 'Loss', 'PS', 'Workers', 'Restarts', 'Age'])
  assert.deepEqual(body.rows[0].cells.slice(0, 3), ['t1', 'Running', 7])
  assert.equal(body.rows.length, 2)
  const next = `${api().jobs}?limit=2&continue=${body.metadata.continue}`
  const { body: rest } = await api().call('GET', next, { accept: TABLE })
  assert.deepEqual(
    rest.rows.map(({ cells }: { cells: unknown[] }) => cells[0]),
    ['t3'],
  )
})
