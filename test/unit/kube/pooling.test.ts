import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { createKubeClient } from '../../../src/kube/client.ts'
import { silentLog } from '../../../src/support/log.ts'
import { eventually } from '../../support/eventually.ts'
import { json, startFakeApi } from '../../support/fake-api.ts'

const POD = { apiVersion: 'v1', plural: 'pods', namespace: 'team', name: 'a' }

function selfSigned(): { cert: string; key: string } {
  const folder = mkdtempSync(join(tmpdir(), 'downpour-cert-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=fake', '-addext', 'subjectAltName=IP:127.0.0.1']
  const type = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', ...type, ...subject, '-keyout', key, '-out', cert], { stdio: 'pipe' })
  const pair = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
  rmSync(folder, { recursive: true })
  return pair
}

test('many requests over TLS share a connection', async (t) => {
  const api = await startFakeApi((_call, response) => json(response, 200, {}), selfSigned())
  t.after(api.close)
  const client = createKubeClient({ kubeConfig: api.kubeConfig, log: silentLog })
  t.after(() => client.close())
  for (let i = 0; i < 100; i++) await client.get(POD)
  // Two are possible: the first connection may not yet be marked free when the next request starts.
  assert.ok(api.connections() <= 2, `${api.connections()} connections for 100 requests`)
})

test("simultaneous first calls do not close each other's connection", async (t) => {
  const api = await startFakeApi((_call, response) => json(response, 200, {}), selfSigned())
  t.after(api.close)
  const client = createKubeClient({ kubeConfig: api.kubeConfig, log: silentLog })
  t.after(() => client.close())
  await Promise.all(Array.from({ length: 20 }, () => client.get(POD)))
})

test('a password in the address of the API server is not shown', async (t) => {
  const api = await startFakeApi((_call, response) => json(response, 200, {}))
  t.after(api.close)
  const text = readFileSync(api.kubeConfig, 'utf8').replace('//127', '//:hidden@127')
  writeFileSync(api.kubeConfig, text)
  const client = createKubeClient({ kubeConfig: api.kubeConfig, log: silentLog })
  t.after(() => client.close())
  assert.doesNotMatch(client.server, /hidden/)
  await api.close()
  await assert.rejects(client.get(POD), (error: Error) => !error.message.includes('hidden'))
})

test('an HTTP/2 connection carries many requests, and is replaced if it stops answering', async (t) => {
  const api = await startFakeApi((_call, response, nth) => (nth === 20 ? undefined : json(response, 200, {})), {
    ...selfSigned(),
    http2: true,
  })
  t.after(api.close)
  const client = createKubeClient({
    kubeConfig: api.kubeConfig,
    log: silentLog,
    timeoutMs: 200,
    retry: { attempts: 1 },
  })
  t.after(() => client.close())
  await client.get(POD)
  await Promise.all(Array.from({ length: 19 }, () => client.get(POD)))
  assert.equal(api.connections(), 1)
  await assert.rejects(client.get(POD), { code: 'KUBE_DEADLINE' })
  await client.get(POD)
  assert.equal(api.connections(), 2)
  await eventually(() => assert.equal(api.openConnections(), 1))
})

test('a watch without response headers in time closes its dead connection', async (t) => {
  const api = await startFakeApi((call, response) => (call.query.has('watch') ? undefined : json(response, 200, {})), {
    ...selfSigned(),
    http2: true,
  })
  t.after(api.close)
  const client = createKubeClient({ kubeConfig: api.kubeConfig, log: silentLog, timeoutMs: 200 })
  t.after(() => client.close())
  await assert.rejects(client.watch({ apiVersion: 'v1', plural: 'pods' }).next(), { code: 'KUBE_WATCH_LATE' })
  await eventually(() => assert.equal(api.openConnections(), 0))
  await client.get(POD)
  assert.equal(api.connections(), 2)
})

test('a server whose certificate is not signed by the CA is refused', async (t) => {
  const api = await startFakeApi((_call, response) => json(response, 200, {}), selfSigned())
  t.after(api.close)
  const untrusted = await startFakeApi((_call, response) => json(response, 200, {}), selfSigned())
  t.after(untrusted.close)
  writeFileSync(api.kubeConfig, readFileSync(untrusted.kubeConfig, 'utf8').replace(untrusted.url, api.url))
  const client = createKubeClient({ kubeConfig: api.kubeConfig, log: silentLog, retry: { attempts: 1 } })
  t.after(() => client.close())
  await assert.rejects(client.get(POD), { code: 'KUBE_UNREACHABLE', message: /self-signed certificate/ })
  assert.equal(api.calls.length, 0)
})

test('a CA file that is replaced on disk is used from the next request on', async (t) => {
  const [before, after] = [selfSigned(), selfSigned()]
  const api = await startFakeApi((_call, response) => json(response, 200, {}), after)
  t.after(api.close)
  const ca = join(mkdtempSync(join(tmpdir(), 'downpour-ca-')), 'ca.pem')
  t.after(() => rmSync(dirname(ca), { recursive: true }))
  writeFileSync(ca, before.cert)
  const config = readFileSync(api.kubeConfig, 'utf8').replace(
    /"certificate-authority-data":"[^"]*"/,
    `"certificate-authority":${JSON.stringify(ca)}`,
  )
  writeFileSync(api.kubeConfig, config)
  const client = createKubeClient({ kubeConfig: api.kubeConfig, log: silentLog, retry: { attempts: 1 } })
  t.after(() => client.close())
  await assert.rejects(client.get(POD), { code: 'KUBE_UNREACHABLE' })
  writeFileSync(ca, after.cert)
  await client.get(POD)
})
