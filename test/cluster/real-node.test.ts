/** The node that really runs containers: DNS names, services and logs work as on any cluster. */
import assert from 'node:assert/strict'
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { after, before, suite, test } from 'node:test'
import { readContainers } from '../../src/operator/containers.ts'
import { END_NOW_SECONDS } from '../../src/operator/raw-pod.ts'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { type Kubectl, kubectlAt } from '../../tools/cluster/kubectl.ts'
import { IMAGE } from '../../tools/cluster/real-node-files.ts'
import { fullName, loadImages } from '../../tools/cluster/real-node-load.ts'
import { eventually } from '../support/eventually.ts'

const NAMESPACE = `real-node-test-${process.pid}`
const LABELS = { app: 'web' }
const READY = { timeoutMs: 60_000, intervalMs: 200 }
/** Time to build everything from nothing. */
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

  /** Runs a pod with these arguments to its end. @returns what it printed */
  async function output(name: string, args: string[]): Promise<string> {
    await kubectl(['apply', '-f', '-'], JSON.stringify(pod(name, args)))
    await eventually(async () => assert.equal(await field(name, '.status.phase'), 'Succeeded'), READY)
    return (await kubectl(['logs', name, '-n', NAMESPACE])).trim()
  }

  test('runs the container and gives it an address', async () => {
    assert.equal(await field('web', '.spec.nodeName'), 'real')
    assert.match(await field('web', '.status.podIP'), /^10\.244\.0\./)
  })

  test('the name of a headless service resolves to the address of its pod', async () => {
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

  test('a claim without a class binds an empty volume that every user can write, and the next claim finds it empty again', async () => {
    await kubectl(['apply', '-f', '-'], JSON.stringify(claim('any')))
    const path = 'jsonpath={.status.phase}'
    await eventually(async () => {
      assert.equal(await kubectl(['get', 'pvc', 'any', '-n', NAMESPACE, '-o', path]), 'Bound')
    }, READY)
    const volume = await kubectl(['get', 'pvc', 'any', '-n', NAMESPACE, '-o', 'jsonpath={.spec.volumeName}'])
    const { spec } = JSON.parse(await kubectl(['get', 'pv', volume, '-o', 'json']))
    assert.equal(statSync(spec.hostPath.path).mode & 0o777, 0o777)
    writeFileSync(`${spec.hostPath.path}/old`, '')
    await kubectl(['delete', 'pvc', 'any', '-n', NAMESPACE])
    await eventually(async () => {
      await ensureCluster()
      assert.equal(await kubectl(['get', 'pv', volume, '-o', path]), 'Available')
    }, READY)
    assert.deepEqual(readdirSync(spec.hostPath.path), [])
  })

  test('an image is loaded under the name that pods use; one that was not built is refused with advice', async () => {
    assert.equal(fullName('downpour/operator:1'), 'docker.io/downpour/operator:1')
    assert.equal(fullName('busybox'), 'docker.io/library/busybox:latest')
    assert.equal(fullName('localhost:5000/a/b:2'), 'localhost:5000/a/b:2')
    await assert.rejects(loadImages(['downpour.dev/missing:1']), { code: 'NO_IMAGE', message: /npm run images/ })
  })

  test('after the worker has succeeded, the deadline that the operator sets ends a sidecar; a native sidecar ends by itself', async () => {
    const proxy = { name: 'proxy', image: IMAGE, args: ['serve', '8080', 'proxy'] }
    const classic = workerPod('classic', { containers: [proxy] })
    const native = workerPod('native', { initContainers: [{ ...proxy, restartPolicy: 'Always' }] })
    await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [classic, native] }))
    const facts = async (name: string) =>
      readContainers(JSON.parse(await kubectl(['get', 'pod', name, '-n', NAMESPACE, '-o', 'json'])), 'worker')
    await eventually(async () => {
      const { phase, outlived, othersRun } = await facts('classic')
      assert.deepEqual([phase, outlived, othersRun], ['Succeeded', true, true])
    }, READY)
    const deadline = JSON.stringify({ spec: { activeDeadlineSeconds: END_NOW_SECONDS } })
    await kubectl(['patch', 'pod', 'classic', '-n', NAMESPACE, '--type=merge', '-p', deadline])
    for (const [name, phaseOfPod] of [
      ['classic', 'Failed'],
      ['native', 'Succeeded'],
    ] as const) {
      await eventually(async () => assert.equal(await field(name, '.status.phase'), phaseOfPod), READY)
      const { phase, outlived, exitCode } = await facts(name)
      assert.deepEqual([phase, outlived, exitCode], ['Succeeded', false, 0])
    }
  })

  test('a program that cannot be started has no start time, although the kubelet reports 1970', async () => {
    const broken = workerPod('broken', {}, { command: ['/nothing'] })
    await kubectl(['apply', '-f', '-'], JSON.stringify(broken))
    await eventually(async () => assert.equal(await field('broken', '.status.phase'), 'Failed'), READY)
    const status = JSON.parse(await kubectl(['get', 'pod', 'broken', '-n', NAMESPACE, '-o', 'json']))
    const { reason, startedAtMs } = readContainers(status, 'worker')
    assert.deepEqual([reason, startedAtMs], ['StartError', undefined])
  })

  test('kubectl exec runs a command in the container', async () => {
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

/** Returns a pod with the container of a worker, which ends at once, and other containers. */
function workerPod(name: string, others: { containers?: object[]; initContainers?: object[] }, own: object = {}) {
  const { spec, ...rest } = pod(name, [])
  const worker = { name: 'worker', image: IMAGE, args: ['lookup', 'kubernetes.default'], ...own }
  const containers = [...(others.containers ?? []), worker]
  return { ...rest, spec: { ...spec, ...others, containers, terminationGracePeriodSeconds: 5 } }
}

function claim(name: string) {
  const spec = { accessModes: ['ReadWriteMany'], resources: { requests: { storage: '1Gi' } } }
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name, namespace: NAMESPACE }, spec }
}

function service(name: string, clusterIP?: string) {
  const spec = { selector: LABELS, ports: [{ port: 80, targetPort: 8080 }], ...(clusterIP ? { clusterIP } : {}) }
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: NAMESPACE }, spec }
}
