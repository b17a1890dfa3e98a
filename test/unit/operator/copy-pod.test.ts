import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ENV } from '../../../src/contract/runtime.ts'
import { copyPod, type WholePod } from '../../../src/operator/copy-pod.ts'
import { planJob } from '../../../src/plan/job-plan.ts'
import { OPTIONS, pretrainJob } from '../plan/jobs.ts'

const podFor = (role: 'ps' | 'worker', batchSize: number, index: number, attempt: number) =>
  planJob(pretrainJob({ batchSize }), OPTIONS).pod(role, index, { attempt, generation: 0 }) as unknown as WholePod

const envOf = (pod: WholePod) =>
  Object.fromEntries(pod.spec.containers[0]?.env?.map(({ name, value }) => [name, value]) ?? [])

test('a copy trains with the numbers of its peer, under its own name, index and attempt', () => {
  const [wanted, peer] = [podFor('worker', 64, 2, 5), podFor('worker', 32, 1, 0)]
  const copy = copyPod(wanted, { ...peer, spec: { ...peer.spec, nodeName: 'n', priority: 0 } })
  const env = envOf(copy)
  assert.deepEqual([env[ENV.index], env[ENV.attempt]], ['2', '5'])
  assert.equal(JSON.parse(env[ENV.config] ?? '').batchSize, 32)
  assert.deepEqual(copy.metadata.labels, wanted.metadata.labels)
  assert.equal(copy.metadata.name, 'jft-pj-worker-2')
  assert.ok(!('nodeName' in copy.spec) && !('priority' in copy.spec))
})

test('a parameter server is found under its own name, a worker under none, whatever its peer is called', () => {
  const [ps, other] = [podFor('ps', 32, 1, 0), podFor('ps', 32, 0, 0)]
  assert.equal(copyPod(ps, other).spec.hostname, 'jft-pj-ps-1')
  const [worker, older] = [podFor('worker', 32, 1, 0), podFor('worker', 32, 0, 0)]
  assert.ok(!('hostname' in copyPod(worker, { ...older, spec: { ...older.spec, hostname: 'jft-pj-worker-0' } }).spec))
})
