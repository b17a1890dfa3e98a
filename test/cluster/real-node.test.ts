/** The node that really runs containers: names, services and logs as on any cluster. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { type Kubectl, kubectlAt } from '../../tools/cluster/kubectl.ts'
import { IMAGE } from '../../tools/cluster/real-node-files.ts'
import { eventually } from '../support/eventually.ts'

const NAMESPACE = `real-node-test-${process.pid}`
const LABELS = { app: 'web' }
const READY = { timeoutMs: 60_000, intervalMs: 200 }
/** Nothing may be built yet. */
const BUILDS_MS = 15 * 60_000
const skip = process.getuid?.() === 0 ? false : 'only root may run containers'

suite('a real node', { skip }, () => {
  let kubectl: Kubectl

  before(
    async () => {
      kubectl = kubectlAt((await ensureCluster({ realNode: true })).kubectl)
      await kubectl(['create', 'namespace', NAMESPACE])
      const items = [pod('web', ['serve', '8080', 'hello'], LABELS), service('headless', 'None'), service('web')]
      await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
      await kubectl(['wait', 'pod/web', '-n', NAMESPACE, '--for=condition=Ready', '--timeout=60s'])
    },
    { timeout: BUILDS_MS },
  )
  after(() => kubectl(['delete', 'namespace', NAMESPACE, '--wait=false']))

  const field = (name: string, path: string) =>
    kubectl(['get', 'pod', name, '-n', NAMESPACE, '-o', `jsonpath={${path}}`])

  /** What a pod of these arguments prints. */
  async function output(name: string, args: string[]): Promise<string> {
    await kubectl(['apply', '-f', '-'], JSON.stringify(pod(name, args)))
    await eventually(async () => assert.equal(await field(name, '.status.phase'), 'Succeeded'), READY)
    return (await kubectl(['logs', name, '-n', NAMESPACE])).trim()
  }

  test('runs the container and gives it an address', async () => {
    assert.equal(await field('web', '.spec.nodeName'), 'real')
    assert.match(await field('web', '.status.podIP'), /^10\.244\.0\./)
  })

  test('the name of a headless service is the address of its pod', async () => {
    assert.equal(await output('lookup', ['lookup', 'headless']), await field('web', '.status.podIP'))
  })

  test('a pod reaches another through a service', async () => {
    assert.equal(await output('get', ['get', 'http://web']), 'hello')
  })

  test('the exit code of a container is in the status of its pod', async () => {
    await kubectl(['apply', '-f', '-'], JSON.stringify(pod('fails', ['lookup', 'nobody.invalid'])))
    await eventually(async () => {
      assert.equal(await field('fails', '.status.containerStatuses[0].state.terminated.exitCode'), '1')
    }, READY)
  })

  test('kubectl exec reaches into the container', async () => {
    const printed = await kubectl(['exec', 'web', '-n', NAMESPACE, '--', '/toolbox', 'lookup', 'headless'])
    assert.equal(printed.trim(), await field('web', '.status.podIP'))
  })
})

function pod(name: string, args: string[], labels: Record<string, string> = {}) {
  const spec = {
    nodeSelector: { 'downpour.dev/real-node': 'true' },
    restartPolicy: 'Never',
    containers: [{ name: 'main', image: IMAGE, args }],
  }
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: NAMESPACE, labels }, spec }
}

function service(name: string, clusterIP?: string) {
  const spec = { selector: LABELS, ports: [{ port: 80, targetPort: 8080 }], ...(clusterIP ? { clusterIP } : {}) }
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: NAMESPACE }, spec }
}
