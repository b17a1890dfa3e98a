import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { afterEach, test } from 'node:test'
import { createKubeClient, type KubeClient } from '../../../src/kube/client.ts'
import type { KubeClientOptions, RequestObserver } from '../../../src/kube/client-options.ts'
import { KubeError } from '../../../src/kube/errors.ts'
import type { KubeObject } from '../../../src/kube/objects.ts'
import { silentLog } from '../../../src/support/log.ts'
import { type Answer, type FakeApi, failure, json, kindOf, startFakeApi } from '../../support/fake-api.ts'

const PODS = { apiVersion: 'v1', plural: 'pods', namespace: 'team' }
const POD = { ...PODS, name: 'a' }
const FAST = { retry: { baseMs: 1, capMs: 5 } }
const open: { close(): Promise<void> }[] = []

async function setup(
  answer: Answer,
  options: Partial<KubeClientOptions> = {},
): Promise<{ api: FakeApi; client: KubeClient }> {
  const api = await startFakeApi(answer)
  open.push(api)
  const client = createKubeClient({ kubeConfig: api.kubeConfig, log: silentLog, ...FAST, ...options })
  open.push(client)
  return { api, client }
}

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

test('a request carries the token and the path of its resource', async () => {
  const { api, client } = await setup((_call, response) => json(response, 200, { metadata: { name: 'a' } }))
  await client.get(POD)
  await client.get({ apiVersion: 'downpour.dev/v1alpha1', plural: 'pretrainjobs', namespace: 'x', name: 'j' })
  await client.get({ apiVersion: 'v1', plural: 'nodes', name: 'n 1' })
  assert.deepEqual(
    api.calls.map((call) => call.path),
    [
      '/api/v1/namespaces/team/pods/a',
      '/apis/downpour.dev/v1alpha1/namespaces/x/pretrainjobs/j',
      '/api/v1/nodes/n%201',
    ],
  )
  assert.equal(api.calls[0]?.headers.authorization, 'Bearer secret-token')
  assert.equal(client.namespace, 'team')
})

test('unknown fields are kept in reads and writes', async () => {
  const { api, client } = await setup((call, response) =>
    json(response, 200, call.body ?? { metadata: { name: 'a' }, spec: { brandNew: [1] } }),
  )
  const object = await client.get<KubeObject & { spec: { brandNew: number[] } }>(POD)
  assert.deepEqual(object.spec, { brandNew: [1] })
  await client.create(PODS, object)
  await client.replace(POD, object)
  assert.deepEqual(
    api.calls.slice(1).map((call) => [call.method, call.path, call.body]),
    [
      ['POST', '/api/v1/namespaces/team/pods', object],
      ['PUT', '/api/v1/namespaces/team/pods/a', object],
    ],
  )
})

test('a dry run asks the server to store nothing and to refuse unknown fields', async () => {
  const { api, client } = await setup((_call, response) => json(response, 201, {}))
  await client.create(PODS, { metadata: { name: 'a' } }, { dryRun: true })
  const [call] = api.calls
  assert.deepEqual([call?.query.get('dryRun'), call?.query.get('fieldValidation')], ['All', 'Strict'])
})

test('each kind of patch is sent with its own content type', async () => {
  const { api, client } = await setup((_call, response) => json(response, 200, {}))
  await client.apply(POD, { metadata: { name: 'a' } }, { fieldManager: 'example' })
  await client.mergePatch(POD, { metadata: { labels: null } })
  await client.mergePatch({ ...POD, subresource: 'status' }, { status: { phase: 'x' } })
  assert.deepEqual(
    api.calls.map(({ method, path, headers, query, body }) => [
      method,
      path.split('/').at(-1),
      headers['content-type'],
      Object.fromEntries(query),
      body,
    ]),
    [
      [
        'PATCH',
        'a',
        'application/apply-patch+yaml',
        { fieldManager: 'example', force: 'true' },
        { metadata: { name: 'a' } },
      ],
      ['PATCH', 'a', 'application/merge-patch+json', { fieldManager: 'downpour' }, { metadata: { labels: null } }],
      ['PATCH', 'status', 'application/merge-patch+json', { fieldManager: 'downpour' }, { status: { phase: 'x' } }],
    ],
  )
})

test('a list is read page by page, and its items get the kind that the server omits', async () => {
  const { api, client } = await setup((_call, response, nth) =>
    json(response, 200, {
      kind: 'PodList',
      apiVersion: 'v1',
      metadata: { resourceVersion: '9', ...(nth < 2 ? { continue: `page-${nth + 1}` } : {}) },
      items: [{ metadata: { name: `p${nth}` } }],
    }),
  )
  const list = await client.list(PODS, { labelSelector: 'a=b' })
  assert.deepEqual(
    list.items.map((item) => [item.kind, item.apiVersion, item.metadata.name]),
    [
      ['Pod', 'v1', 'p0'],
      ['Pod', 'v1', 'p1'],
      ['Pod', 'v1', 'p2'],
    ],
  )
  assert.equal(list.resourceVersion, '9')
  assert.deepEqual(
    api.calls.map((call) => [call.query.get('limit'), call.query.get('continue'), call.query.get('labelSelector')]),
    [
      ['500', null, 'a=b'],
      ['500', 'page-1', 'a=b'],
      ['500', 'page-2', 'a=b'],
    ],
  )
})

test('an expired continue token leads to one complete list', async () => {
  const { api, client } = await setup((call, response) => {
    if (call.query.get('continue')) return failure(response, 410, 'Expired')
    const rest = call.query.get('limit') ? { continue: 'old' } : {}
    json(response, 200, { metadata: { resourceVersion: '9', ...rest }, items: [{ metadata: { name: 'p' } }] })
  })
  assert.equal((await client.list(PODS)).items.length, 1)
  assert.deepEqual(api.calls.map(kindOf), ['LIST', 'LIST', 'GET'])
})

test('a delete has the uid of the object as a precondition, and a missing object is no error', async () => {
  const { api, client } = await setup((call, response, nth) =>
    call.method === 'DELETE' && nth === 0 ? json(response, 200, {}) : failure(response, 404, 'NotFound'),
  )
  const options = { uid: 'u', resourceVersion: '3', gracePeriodSeconds: 0, propagationPolicy: 'Background' } as const
  assert.equal(await client.delete(POD, options), true)
  assert.deepEqual(api.calls[0]?.body, {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    preconditions: { uid: 'u', resourceVersion: '3' },
    gracePeriodSeconds: 0,
    propagationPolicy: 'Background',
  })
  assert.equal(await client.delete(POD), false)
  assert.equal(await client.find(POD), undefined)
})

test('an error has status, reason, causes and Retry-After', async () => {
  const { client } = await setup((_call, response) =>
    json(response, 422, {
      kind: 'Status',
      reason: 'Invalid',
      message: 'spec.x: must be positive',
      details: { retryAfterSeconds: 3, causes: [{ field: 'spec.x', message: 'must be positive' }] },
    }),
  )
  await assert.rejects(client.create(PODS, { metadata: { name: 'a' } }), (error) => {
    assert.ok(error instanceof KubeError)
    assert.deepEqual(
      [error.code, error.httpStatus, error.reason, error.retryAfterSeconds],
      ['KUBE_INVALID', 422, 'Invalid', 3],
    )
    assert.match(error.message, /POST \/api\/v1\/namespaces\/team\/pods: 422 Invalid: spec\.x: must be positive/)
    assert.deepEqual(error.details.causes, [{ field: 'spec.x', message: 'must be positive' }])
    return true
  })
})

test('an answer that is not a Status object becomes an error with a reason', async () => {
  const { client } = await setup((_call, response) => response.writeHead(403).end('<html>proxy says no</html>'))
  await assert.rejects(client.get(POD), { code: 'KUBE_FORBIDDEN', reason: 'Forbidden', message: /proxy says no/ })
})

for (const status of [429, 500, 502, 503, 504]) {
  test(`status ${status} is retried for GET, PUT, DELETE and apply`, async () => {
    const { api, client } = await setup((_call, response, nth) =>
      nth < 2 ? failure(response, status, '') : json(response, 200, { metadata: { name: 'a' } }),
    )
    await client.get(POD)
    await client.replace(POD, { metadata: { name: 'a' } })
    await client.delete(POD)
    await client.apply(POD, { metadata: { name: 'a' } })
    assert.deepEqual(
      ['GET', 'PUT', 'DELETE', 'PATCH'].map((kind) => api.calls.filter((call) => call.method === kind).length),
      [3, 3, 3, 3],
    )
  })

  test(`status ${status} is not retried for a POST or a merge patch`, async () => {
    const { api, client } = await setup((_call, response) => failure(response, status, ''))
    await assert.rejects(client.create(PODS, { metadata: { name: 'a' } }), { httpStatus: status })
    await assert.rejects(client.mergePatch(POD, {}), { httpStatus: status })
    assert.equal(api.calls.length, 2)
  })
}

test('permanent errors are not retried', async () => {
  const { api, client } = await setup((_call, response) => failure(response, 409, 'Conflict'))
  await assert.rejects(client.replace(POD, { metadata: { name: 'a' } }), { code: 'KUBE_CONFLICT' })
  assert.equal(api.calls.length, 1)
})

test('a request fails with the last error after all retries', async () => {
  const { api, client } = await setup((_call, response) => failure(response, 503, 'ServiceUnavailable'))
  await assert.rejects(client.get(POD), { code: 'KUBE_SERVICE_UNAVAILABLE' })
  assert.equal(api.calls.length, 5)
})

test('a reset connection is retried for a GET, not for a POST', async () => {
  const { api, client } = await setup((_call, response, nth) =>
    nth === 0 ? response.destroy() : json(response, 200, { metadata: { name: 'a' } }),
  )
  await client.get(POD)
  await assert.rejects(client.create(PODS, { metadata: { name: 'a' } }), { code: 'KUBE_UNREACHABLE', httpStatus: 0 })
  assert.deepEqual(api.calls.map(kindOf), ['GET', 'GET', 'POST'])
})

test('an unreachable server is named in the error', async () => {
  const { api, client } = await setup((_call, response) => json(response, 200, {}))
  await api.close()
  await assert.rejects(client.get(POD), { code: 'KUBE_UNREACHABLE', message: /127\.0\.0\.1.*ECONNREFUSED/ })
})

test('the client waits for Retry-After before the next try', async () => {
  const { client } = await setup((_call, response, nth) =>
    nth === 0 ? failure(response, 429, '', { 'retry-after': '1' }) : json(response, 200, {}),
  )
  const startedMs = performance.now()
  await client.get(POD)
  assert.ok(performance.now() - startedMs >= 999)
})

test('a Retry-After longer than the request may take is passed to the caller', async () => {
  const { api, client } = await setup((_call, response) => failure(response, 429, '', { 'retry-after': '120' }))
  await assert.rejects(client.get(POD), { retryAfterSeconds: 120 })
  assert.equal(api.calls.length, 1)
})

test('a request without an answer fails at its deadline, and the next one gets a new connection', async () => {
  const { api, client } = await setup((_call, response, nth) => (nth === 0 ? undefined : json(response, 200, {})), {
    timeoutMs: 100,
    retry: { attempts: 1 },
  })
  await assert.rejects(client.get(POD), { code: 'KUBE_DEADLINE', message: /100 ms/ })
  await client.get(POD)
  assert.equal(api.connections(), 2)
})

test('an aborted request fails at once with the reason of the signal', async () => {
  const { client } = await setup(() => undefined)
  const reason = new Error('enough')
  const controller = new AbortController()
  const answer = client.get(POD, { signal: controller.signal })
  controller.abort(reason)
  await assert.rejects(answer, reason)
})

test('an abort ends the wait between two tries', async () => {
  const controller = new AbortController()
  const { client } = await setup((_call, response) => failure(response, 503, ''), {
    retry: { baseMs: 60_000, capMs: 60_000 },
    // The client logs this line when it starts to wait.
    log: { ...silentLog, debug: () => setImmediate(() => controller.abort()) },
  })
  await assert.rejects(client.get(POD, { signal: controller.signal }), { name: 'AbortError' })
})

test('closing the client aborts running requests', async () => {
  const { client } = await setup(() => undefined)
  const answer = client.get(POD)
  await client.close()
  await assert.rejects(answer, { name: 'AbortError' })
})

test('requests beyond the burst are delayed by the rate limit', async () => {
  const { client } = await setup((_call, response) => json(response, 200, {}), { limits: { qps: 50, burst: 5 } })
  const startedMs = performance.now()
  await Promise.all(Array.from({ length: 15 }, () => client.get(POD)))
  assert.ok(performance.now() - startedMs >= 195, 'ten requests too many at 50 a second take 200 ms')
})

test('invalid limits are refused', async () => {
  await assert.rejects(
    setup((_call, response) => json(response, 200, {}), { limits: { qps: 0 } }),
    { code: 'INVALID_LIMITS', message: /limits\.qps: got 0/ },
  )
})

test('an unusable kubeconfig is refused with the reason', async () => {
  const { api } = await setup((_call, response) => json(response, 200, {}))
  const opening = (path: string) => () => createKubeClient({ kubeConfig: path, log: silentLog })
  assert.throws(opening('/nowhere/config'), { code: 'KUBE_CONFIG_INVALID', message: /\/nowhere\/config: ENOENT/ })
  const config = { clusters: [], users: [], contexts: [], 'current-context': 'gone' }
  writeFileSync(api.kubeConfig, JSON.stringify(config))
  assert.throws(opening(api.kubeConfig), { code: 'KUBE_CONFIG_INVALID', message: /context "gone" names no cluster/ })
  const cluster = { name: 'c', cluster: { server: 'http://10.0.0.1:8080' } }
  const context = { name: 'gone', context: { cluster: 'c', user: 'u' } }
  writeFileSync(api.kubeConfig, JSON.stringify({ ...config, clusters: [cluster], contexts: [context] }))
  assert.throws(opening(api.kubeConfig), { code: 'KUBE_INSECURE_SERVER', message: /expected https/ })
})

test('a malformed or too large kubeconfig is refused with the line', { timeout: 10_000 }, async () => {
  const { api } = await setup((_call, response) => json(response, 200, {}))
  const laughs = [...Array(20).keys()].map((i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(',')}]`)
  for (const [text, message] of [
    [`a0: &a0 [x]\n${laughs.join('\n')}`, /config.*: document 1, line \d+: more than /],
    ['['.repeat(5_000), /config.*: document 1, line 1: /],
    ['a: &x [*x]', /config.*: document 1, line 1: the anchor "x"/],
    [`# ${'x'.repeat(4 * 2 ** 20)}`, /config.*: document 1, line 1: more than 3 MiB/],
    ['hello', /config.*: the file is not a kubeconfig/],
    ['', /config.*: the file is not a kubeconfig/],
    ['__proto__: { clusters: [] }', /config.*: context "undefined" names no cluster/],
  ] as const) {
    writeFileSync(api.kubeConfig, text)
    const opening = () => createKubeClient({ kubeConfig: api.kubeConfig, log: silentLog })
    assert.throws(opening, { code: 'KUBE_CONFIG_INVALID', message }, text.slice(0, 40))
  }
})

test('an observer is told of each attempt with its status, of each repeat, and of the time in the rate limit', async () => {
  const seen: unknown[] = []
  const observer: RequestObserver = {
    answered: ({ method, host }, status, seconds) => void seen.push([method, host, status, seconds >= 0]),
    retried: ({ method }, status) => void seen.push(['retried', method, status]),
    limited: ({ method }) => void seen.push(['limited', method]),
  }
  let calls = 0
  const { api, client } = await setup(
    (_call, response) => {
      calls++
      if (calls === 1) failure(response, 503, 'ServiceUnavailable')
      else if (calls === 2) response.destroy()
      else json(response, calls === 3 ? 200 : 404, {})
    },
    { observer },
  )
  const host = new URL(client.server).host
  await client.get(POD)
  await assert.rejects(client.create(PODS, { metadata: { name: 'a' } }), { httpStatus: 404 })
  assert.equal(api.calls.length, 4)
  assert.deepEqual(seen, [
    ['limited', 'GET'],
    ['GET', host, 503, true],
    ['retried', 'GET', 503],
    ['limited', 'GET'],
    ['GET', host, 0, true],
    ['retried', 'GET', 0],
    ['limited', 'GET'],
    ['GET', host, 200, true],
    ['limited', 'POST'],
    ['POST', host, 404, true],
  ])
})

test('a request that its caller gives up is not observed', async () => {
  const seen: number[] = []
  const observer: RequestObserver = { answered: (_facts, status) => void seen.push(status), retried() {}, limited() {} }
  const asked = Promise.withResolvers<void>()
  const { client } = await setup(() => asked.resolve(), { observer })
  const controller = new AbortController()
  const waiting = client.get(POD, { signal: controller.signal })
  await asked.promise
  controller.abort()
  await assert.rejects(waiting, { name: 'AbortError' })
  assert.deepEqual(seen, [])
})
