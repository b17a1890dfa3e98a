/** The discovery of a whole operator, whose first list of pods the API server refuses. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Operator } from '../../../src/operator/operator.ts'
import { silentLog } from '../../../src/support/log.ts'
import { eventually } from '../../support/eventually.ts'
import { startApi } from './harness.ts'
import { openRefusingProxy } from './refusing-proxy.ts'

test('an operator that has not listed the pods yet refuses a discovery, so that Prometheus keeps its targets', async () => {
  const api = await startApi()
  const proxy = await openRefusingProxy(api)
  proxy.refuse = (what) => (what === 'GET pods' ? { code: 503, reason: 'ServiceUnavailable' } : undefined)
  const options = { namespaces: ['found'], leaderElect: false, pollSeconds: 1, defaultImage: 'test', logLevel: 'info' }
  const http = { httpHost: '127.0.0.1', httpPort: 0 }
  const operator = new Operator({ kubeconfig: proxy.kubeconfigPath, ...options, ...http }, silentLog)
  try {
    const started = operator.start()
    await eventually(() => assert.ok(operator.httpPort))
    const discover = () => fetch(`http://127.0.0.1:${operator.httpPort}/discovery`)
    assert.equal((await discover()).status, 503)
    proxy.refuse = () => undefined
    await started
    await eventually(async () => assert.equal((await discover()).status, 200), { timeoutMs: 10_000 })
  } finally {
    await operator.stop()
    await proxy.close()
    await api.close()
  }
})
