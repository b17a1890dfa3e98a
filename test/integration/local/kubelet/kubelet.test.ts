import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import type { KubeObject } from '../../../../src/kube/objects.ts'
import type { PodStatus } from '../../../../src/local/kubelet/pod-status.ts'
import { eventually } from '../../../support/eventually.ts'
import { startTestCluster, type TestCluster } from '../../../support/local-cluster.ts'

const COMMAND = [process.execPath, resolve('test/integration/local/pod-script.mjs')]
const PODS = { apiVersion: 'v1', plural: 'pods', namespace: 'default' }
const CLAIMS = { apiVersion: 'v1', plural: 'persistentvolumeclaims', namespace: 'default' }
const CLAIM_SPEC = { accessModes: ['ReadWriteMany'], resources: { requests: { storage: '1Gi' } } }

interface Terminated {
  exitCode: number
  reason: string
  message: string
}
interface Pod extends KubeObject {
  status: PodStatus & {
    phase: string
    podIP?: string
    reason?: string
    message?: string
    conditions?: { type: string; status: string; message?: string }[]
    containerStatuses?: { state: { terminated?: Terminated } }[]
  }
}

let cluster: TestCluster
before(async () => {
  cluster = await startTestCluster({ command: COMMAND, environment: { PATH: process.env.PATH, LEAK: 'no' } })
})
after(() => cluster.dispose())

function create(name: string, args: string[], spec: object = {}, container: object = {}) {
  const env = [{ name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }]
  const containers = [{ name: 'main', image: 'none', args, env, ...container }]
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { hostname: name, subdomain: 'test', ...spec, containers },
  }
  return cluster.client.create<KubeObject>(PODS, pod as KubeObject)
}
const get = (name: string) => cluster.client.find<Pod>({ ...PODS, name })
const remove = (name: string, gracePeriodSeconds?: number) =>
  cluster.client.delete({ ...PODS, name }, { ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }) })
const conditionOf = (pod: Pod | undefined, type: string) => pod?.status.conditions?.find((one) => one.type === type)

async function reach(name: string, phase: string): Promise<Pod> {
  let pod: Pod | undefined
  await eventually(
    async () => {
      pod = await get(name)
      assert.equal(pod?.status.phase, phase)
    },
    { timeoutMs: 10_000 },
  )
  return pod as Pod
}
const gone = (name: string) => eventually(async () => assert.equal(await get(name), undefined), { timeoutMs: 10_000 })

async function pidOf(name: string): Promise<number> {
  await reach(name, 'Running')
  const events = await cluster.client.list<
    KubeObject & { reason: string; message: string; involvedObject: { name: string } }
  >({
    apiVersion: 'v1',
    plural: 'events',
    namespace: 'default',
  })
  const started = events.items
    .filter((event) => event.involvedObject.name === name && event.reason === 'Started')
    .at(-1)
  return Number(/process (\d+)/.exec(started?.message ?? '')?.[1])
}
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
async function logOf(name: string, query = ''): Promise<Response> {
  const url = `${cluster.url}/api/v1/namespaces/default/pods/${name}/log${query}`
  return fetch(url, { headers: { authorization: `Bearer ${cluster.token}` } })
}
const waitForLog = (name: string, text: string) =>
  eventually(
    async () => {
      const response = await logOf(name)
      assert.ok(response.ok)
      assert.match(await response.text(), new RegExp(text))
    },
    { timeoutMs: 10_000 },
  )
const hosts = () => JSON.parse(readFileSync(join(cluster.stateDir, 'hosts.json'), 'utf8')) as Record<string, string>

test('the status has exit code, reason and termination message; the exit code of a signal is 128 plus its number', async () => {
  await create('good', ['exit', '0'])
  await create('bad', ['exit', '12', 'a reason'])
  await create('shot', ['die', 'SIGSEGV'])
  const ends = await Promise.all([reach('good', 'Succeeded'), reach('bad', 'Failed'), reach('shot', 'Failed')])
  const terminated = ends.map(({ status }) => status.containerStatuses?.[0]?.state.terminated)
  assert.deepEqual(
    terminated.map((end) => [end?.exitCode, end?.reason, end?.message]),
    [
      [0, 'Completed', ''],
      [12, 'Error', 'a reason'],
      [139, 'Error', ''],
    ],
  )
})

test('a pod gets folders for its mounts and its downward API fields, but not the environment of the machine', async () => {
  const mount = { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] }
  const env = [
    { name: 'DATA', value: '/mnt/data/part' },
    { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
  ]
  const volumeMounts = [
    { name: 'v', mountPath: '/mnt', subPath: 'wrong' },
    { name: 'v', mountPath: '/mnt/data' },
  ]
  await create('mounted', ['environment'], mount, { env, volumeMounts })
  await eventually(async () => {
    const scheduled = conditionOf(await get('mounted'), 'PodScheduled')
    assert.deepEqual([scheduled?.status, scheduled?.message], ['False', 'persistentvolumeclaim "data" not found'])
  })
  const annotations = { 'local.downpour.dev/path': join(cluster.stateDir, 'elsewhere') }
  await cluster.client.create(CLAIMS, {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data', annotations },
    spec: CLAIM_SPEC,
  } as KubeObject)
  const { status } = await reach('mounted', 'Running')
  await waitForLog('mounted', 'data')
  const seen = JSON.parse(await (await logOf('mounted')).text())
  assert.deepEqual(seen, { data: join(cluster.stateDir, 'elsewhere', 'part'), ip: status.podIP })
  assert.ok(existsSync(join(cluster.stateDir, 'elsewhere')))
  await remove('mounted', 0)
})

test('a pod waits for all objects that it needs, and its status names all missing ones', async () => {
  const volumes = ['one', 'two'].map((name) => ({ name, persistentVolumeClaim: { claimName: name } }))
  const from = (name: string, valueFrom: object) => ({ name, valueFrom })
  const env = [
    from('DATA', { configMapKeyRef: { name: 'settings', key: 'data' } }),
    from('IP', { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } }),
    from('LEAK', { configMapKeyRef: { name: 'nowhere', key: 'x', optional: true } }),
  ]
  const secret = from('KEY', { secretKeyRef: { name: 'keys', key: 'wandb' } })
  const resources = { limits: { cpu: '1500m' } }
  await create('keyed', ['environment'], { volumes }, { env: [...env, secret], resources })
  await create('waiting', ['environment'], { volumes }, { env, resources })
  const messageOf = async (name: string) => conditionOf(await get(name), 'PodScheduled')?.message
  const claims = 'persistentvolumeclaim "one" not found, persistentvolumeclaim "two" not found'
  await eventually(async () => {
    assert.equal(await messageOf('waiting'), `${claims}, configmap "settings" not found`)
    assert.equal(
      await messageOf('keyed'),
      `${claims}, configmap "settings" not found, secret "keys" not found: local mode has no secrets, so KEY needs a value or optional: true`,
    )
  })
  for (const name of ['one', 'two'])
    await cluster.client.create(CLAIMS, {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name },
      spec: CLAIM_SPEC,
    } as KubeObject)
  const maps = { apiVersion: 'v1', plural: 'configmaps', namespace: 'default' }
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: {} }
  await cluster.client.create(maps, map as KubeObject)
  await eventually(async () =>
    assert.equal(await messageOf('waiting'), 'configmap "settings" has no key "data" for DATA'),
  )
  await cluster.client.mergePatch({ ...maps, name: 'settings' }, { data: { data: 'text of the map' } })
  await reach('waiting', 'Running')
  await waitForLog('waiting', 'text of the map')
  assert.deepEqual(JSON.parse(await (await logOf('waiting')).text()), { data: 'text of the map', ip: '1500' })
  for (const name of ['waiting', 'keyed']) await remove(name, 0)
})

test('the kubelet does not create an annotated folder that a pod only reads, and the status names it', async () => {
  const folder = join(cluster.stateDir, 'mistyped')
  const annotations = { 'local.downpour.dev/path': folder }
  const metadata = { name: 'typo', annotations }
  const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata, spec: CLAIM_SPEC }
  await cluster.client.create(CLAIMS, claim as KubeObject)
  const volumes = [{ name: 'v', persistentVolumeClaim: { claimName: 'typo', readOnly: true } }]
  await create('reader', ['stay'], { volumes }, { volumeMounts: [{ name: 'v', mountPath: '/mnt', readOnly: true }] })
  const { status } = await reach('reader', 'Failed')
  const { reason, message } = status.containerStatuses?.[0]?.state.terminated ?? {}
  assert.equal(reason, 'StartError')
  assert.ok(message?.includes('"typo"') && message.includes(folder), message)
  assert.equal(existsSync(folder), false)
  await remove('reader', 0)
})

test('the host name of a pod resolves while the pod exists', async () => {
  await create('found', ['stay'])
  const { status } = await reach('found', 'Running')
  assert.equal(hosts()['found.test.default.svc'], status.podIP)
  await remove('found', 1)
  await gone('found')
  await eventually(() => assert.equal(hosts()['found.test.default.svc'], undefined))
})

test('deletion sends SIGTERM, and SIGKILL after the grace period', async () => {
  await Promise.all([create('obeys', ['obey'], { terminationGracePeriodSeconds: 60 }), create('defies', ['defy'])])
  const pid = await pidOf('defies')
  await waitForLog('defies', 'ready')
  await reach('obeys', 'Running')
  await remove('obeys')
  await remove('defies', 1)
  await waitForLog('defies', 'no')
  assert.ok(isAlive(pid) && (await get('defies'))?.metadata.deletionTimestamp)
  await Promise.all([gone('obeys'), gone('defies')])
  assert.equal(isAlive(pid), false)
})

test('a second deletion shortens the grace period', async () => {
  await create('patient', ['defy'], { terminationGracePeriodSeconds: 600 })
  await waitForLog('patient', 'ready')
  await remove('patient')
  await remove('patient', 1)
  await gone('patient')
})

test('a pod that is deleted during its start ends too', async () => {
  for (const name of ['early-0', 'early-1', 'early-2']) {
    await create(name, ['stay'])
    await remove(name, 1)
    await gone(name)
  }
})

test('grace period 0 removes the object at once and kills its process', async () => {
  await create('forced', ['defy'])
  const pid = await pidOf('forced')
  await remove('forced', 0)
  assert.equal(await get('forced'), undefined)
  await eventually(() => assert.equal(isAlive(pid), false))
})

test('a new pod with the name of one that still starts or ends is another pod', async () => {
  await create('again', ['stay'])
  await remove('again', 0)
  const second = await create('again', ['stay'])
  const running = await reach('again', 'Running')
  assert.equal(running.metadata.uid, second.metadata.uid)
  await remove('again', 0)
  await create('again', ['exit', '0'])
  await reach('again', 'Succeeded')
})

test('children of a pod’s process end with it', async () => {
  await create('family', ['parent'])
  await waitForLog('family', '\\d+')
  const child = Number(await (await logOf('family')).text())
  assert.ok(isAlive(child))
  process.kill(await pidOf('family'), 'SIGKILL')
  await reach('family', 'Failed')
  await eventually(() => assert.equal(isAlive(child), false))
})

test('with a readinessProbe a pod is not ready until it answers', async () => {
  const probe = {
    readinessProbe: { httpGet: { path: '/readyz', port: 'http' }, periodSeconds: 1, failureThreshold: 1 },
  }
  await create('probed', ['serve'], {}, { ...probe, ports: [{ name: 'http', containerPort: 9090 }] })
  const { status } = await reach('probed', 'Running')
  assert.equal(conditionOf(await get('probed'), 'Ready')?.status, 'False')
  const flip = () =>
    eventually(async () => void (await fetch(`http://${status.podIP}:9090/flip`)), { timeoutMs: 10_000 })
  const becomes = (ready: string) =>
    eventually(async () => assert.equal(conditionOf(await get('probed'), 'Ready')?.status, ready), { timeoutMs: 5_000 })
  await flip()
  await becomes('True')
  await flip()
  await becomes('False')
  await remove('probed', 0)
})

test('logs supports tail, limit, since (by the time in the lines) and follow; timestamps and previous are refused', async () => {
  const lines = [
    '{"time":"2026-01-01T00:00:00.000Z","n":1}',
    'beside',
    '{"time":"2026-01-01T00:00:09.000Z","n":2}',
    'last',
  ]
  await create('talks', ['print', ...lines])
  await waitForLog('talks', 'last')
  const text = async (query: string) => (await logOf('talks', query)).text()
  assert.equal(await text('?tailLines=1'), 'last\n')
  assert.equal(await text('?tailLines=0'), '')
  assert.equal(await text('?limitBytes=5'), '{"tim')
  assert.equal(await text('?sinceTime=2026-01-01T00:00:05Z'), `${lines.slice(2).join('\n')}\n`)
  assert.equal((await logOf('talks', '?timestamps=true')).status, 400)
  assert.equal((await logOf('talks', '?previous=true')).status, 400)
  assert.equal((await logOf('talks', '?container=other')).status, 400)
  const followed = text('?follow=true&tailLines=1')
  await remove('talks', 1)
  assert.equal(await followed, 'last\n')
})
