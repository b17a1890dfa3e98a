import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LABELS } from '../../../src/contract/names.ts'
import { startProcessServer } from '../../../src/http/process-server.ts'
import type { KubeClient } from '../../../src/kube/client.ts'
import { Discovery } from '../../../src/operator/discovery.ts'
import type { RawPod } from '../../../src/operator/raw-pod.ts'
import { silentLog } from '../../../src/support/log.ts'

const OPERATOR = {
  metadata: { name: 'downpour-7', namespace: 'downpour' },
  spec: { containers: [{ ports: [{ name: 'http', containerPort: 8080 }] }] },
  status: { phase: 'Running', podIP: '10.0.0.1' },
} as unknown as RawPod
const WORKER = {
  metadata: { name: 'a.b-pj-worker-0', namespace: 'team', labels: { [LABELS.jobUid]: 'u', [LABELS.jobName]: 'a.b' } },
  status: { phase: 'Running', podIP: '10.0.0.2' },
} as unknown as RawPod

/** @param answer the pods of the operator, as the API server lists them */
function discoveryOf(answer: () => Promise<RawPod[]>, isSynced = () => true) {
  const asked: unknown[] = []
  const list = async (_: object, options: object) => {
    asked.push(options)
    return { items: await answer() }
  }
  const client = { namespace: 'downpour', list } as unknown as KubeClient
  return { asked, discovery: new Discovery({ client, pods: { list: () => [WORKER] }, isSynced, log: silentLog }) }
}

const addresses = async (discovery: Discovery) => (await discovery.targets()).flatMap(({ targets }) => targets)

test('the operator finds its own replicas and the pods of jobs, whose names may have dots', async () => {
  const { discovery } = discoveryOf(async () => [OPERATOR, { ...OPERATOR, status: { phase: 'Pending' } } as RawPod])
  assert.deepEqual(await addresses(discovery), ['10.0.0.1:8080', '10.0.0.2:9090'])
  assert.equal((await discovery.targets())[1]?.labels.job_name, 'a.b')
})

test('an operator that has just started refuses to answer, because Prometheus would drop the pods that it misses', async (t) => {
  let isSynced = false
  const { discovery } = discoveryOf(
    async () => [OPERATOR],
    () => isSynced,
  )
  const metrics = { contentType: 'text/plain', metrics: async () => '' }
  const get = { '/discovery': () => discovery.targets() }
  const server = await startProcessServer({ host: '127.0.0.1', port: 0, metrics, get })
  t.after(server.close)
  const url = `http://127.0.0.1:${server.port}/discovery`
  assert.equal((await fetch(url)).status, 503)
  isSynced = true
  assert.equal(((await (await fetch(url)).json()) as unknown[]).length, 2)
})

test('many questions cost the API server one every five seconds', async (t) => {
  let nowMs = 0
  t.mock.method(performance, 'now', () => nowMs)
  const { asked, discovery } = discoveryOf(async () => [OPERATOR])
  await Promise.all(Array.from({ length: 100 }, () => discovery.targets()))
  nowMs = 4_999
  await discovery.targets()
  assert.equal(asked.length, 1)
  nowMs = 5_000
  await discovery.targets()
  assert.equal(asked.length, 2)
})

test('while the API server fails, the replicas that were found before stay', async (t) => {
  let nowMs = 0
  t.mock.method(performance, 'now', () => nowMs)
  let fails = false
  const { discovery } = discoveryOf(async () => {
    if (fails) throw new Error('connection refused')
    return [OPERATOR]
  })
  await discovery.targets()
  fails = true
  nowMs = 5_000
  assert.deepEqual(await addresses(discovery), ['10.0.0.1:8080', '10.0.0.2:9090'])
})
