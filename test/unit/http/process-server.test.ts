import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Counter, Registry } from 'prom-client'
import { type ProcessServerOptions, startProcessServer } from '../../../src/http/process-server.ts'
import { DownpourError } from '../../../src/support/errors.ts'

interface Answer {
  status: number
  type: string | null
  text: string
}

async function start(t: TestContext, options: Partial<ProcessServerOptions>) {
  const metrics = new Registry()
  new Counter({ name: 'pushes_total', help: 'Pushes.', registers: [metrics] }).inc(3)
  const server = await startProcessServer({ host: '127.0.0.1', port: 0, metrics, ...options })
  t.after(server.close)
  return async (path: string, init?: RequestInit): Promise<Answer> => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, init)
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
  }
}

test('probes answer 503 with the reason while the process is not healthy or not ready', async (t) => {
  const reasons: { unhealthy: string | undefined; notReady: string | undefined } = {
    unhealthy: undefined,
    notReady: 'first list of pods',
  }
  const ask = await start(t, {
    unhealthyBecause: () => reasons.unhealthy,
    notReadyBecause: () => reasons.notReady,
  })
  const probe = async (path: string) => {
    const { status, text } = await ask(path)
    return [status, text]
  }
  assert.deepEqual(await probe('/healthz'), [200, 'ok\n'])
  assert.deepEqual(await probe('/readyz'), [503, 'first list of pods\n'])
  reasons.notReady = undefined
  reasons.unhealthy = 'watch of pods is silent'
  assert.deepEqual(await probe('/readyz'), [200, 'ok\n'])
  assert.deepEqual(await probe('/healthz'), [503, 'watch of pods is silent\n'])
})

test('metrics are in the exposition format of Prometheus, status is JSON', async (t) => {
  const ask = await start(t, { get: { '/status': () => ({ step: 7 }) } })
  const metrics = await ask('/metrics?name=x')
  assert.equal(metrics.status, 200)
  assert.match(metrics.type ?? '', /^text\/plain; version=0\.0\.4; charset=utf-8$/)
  assert.match(metrics.text, /^pushes_total 3$/m)
  const status = await ask('/status')
  assert.deepEqual(
    [status.status, status.type, JSON.parse(status.text)],
    [200, 'application/json; charset=utf-8', { step: 7 }],
  )
})

test('with a key every path but the probes requires it', async (t) => {
  const key = 'k'.repeat(40)
  const ask = await start(t, { key, get: { '/status': () => ({}) }, put: { '/pins': () => ({}) } })
  const statusOf = async (path: string, authorization?: string, method = 'GET') => {
    const headers = authorization === undefined ? {} : { authorization }
    return (await ask(path, { method, headers, ...(method === 'PUT' && { body: '{}' }) })).status
  }
  for (const path of ['/healthz', '/readyz']) assert.equal(await statusOf(path), 200, path)
  for (const path of ['/status', '/metrics', '/nothing']) {
    assert.equal(await statusOf(path), 401, path)
    assert.equal(await statusOf(path, 'Bearer x'), 401, path)
  }
  assert.equal(await statusOf('/pins', undefined, 'PUT'), 401)
  for (const path of ['/status', '/metrics']) assert.equal(await statusOf(path, `Bearer ${key}`), 200, path)
  assert.equal(await statusOf('/pins', `Bearer ${key}`, 'PUT'), 200)
  assert.equal(await statusOf('/nothing', `Bearer ${key}`), 404)
})

test('a PUT route gets the parsed JSON body; an error is answered with 400 and the reason, a large body with 413', async (t) => {
  const bodies: unknown[] = []
  const pin = (body: unknown) => {
    if ((body as { fails?: boolean }).fails) throw new DownpourError('PINS_INVALID', 'expected a list')
    bodies.push(body)
  }
  const ask = await start(t, { put: { '/pins': pin } })
  const put = (body: string) => ask('/pins', { method: 'PUT', body })
  assert.deepEqual(await put('["a"]').then(({ status, text }) => [status, text]), [200, '{}'])
  assert.deepEqual(bodies, [['a']])
  const refused = await put('{"fails": true}')
  assert.deepEqual([refused.status, JSON.parse(refused.text)], [400, { error: 'expected a list' }])
  assert.equal((await put('{"a": ')).status, 400)
  assert.equal((await put(JSON.stringify(['x'.repeat(64 * 1024)]))).status, 413)
  assert.equal((await ask('/pins')).status, 404, 'there is only a PUT route at this path')
  assert.equal(bodies.length, 1)
})

test('without a status there is no /status, and paths are case-sensitive', async (t) => {
  const ask = await start(t, {})
  for (const path of ['/status', '/secrets', '/METRICS', '/%']) {
    const { status, text } = await ask(path)
    assert.ok([404, 400].includes(status) && 'error' in JSON.parse(text), `${path}: ${status}`)
  }
})

test('a port in use is an error that names it', async (t) => {
  const first = await startProcessServer({ host: '127.0.0.1', port: 0, metrics: new Registry() })
  t.after(first.close)
  await assert.rejects(startProcessServer({ host: '127.0.0.1', port: first.port, metrics: new Registry() }), {
    code: 'PORT_TAKEN',
    message: `127.0.0.1:${first.port} is in use`,
  })
})
