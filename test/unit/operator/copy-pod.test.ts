import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ENV } from '../../../src/contract/runtime.ts'
import { copyPod, type WholePod } from '../../../src/operator/copy-pod.ts'
import { planJob } from '../../../src/plan/job-plan.ts'
import { OPTIONS, pretrainJob } from '../plan/jobs.ts'

const podFor = (batchSize: number, index: number, attempt: number) =>
  planJob(pretrainJob({ batchSize }), OPTIONS).pod('worker', index, { attempt, generation: 0 }) as unknown as WholePod

const envOf = (pod: WholePod) =>
  Object.fromEntries(pod.spec.containers[0]?.env?.map(({ name, value }) => [name, value]) ?? [])

test('a copy trains with the numbers of its peer, under its own name, index and attempt', () => {
  const [wanted, peer] = [podFor(64, 2, 5), podFor(32, 1, 0)]
  const copy = copyPod(wanted, { ...peer, spec: { ...peer.spec, nodeName: 'n', priority: 0 } })
  const env = envOf(copy)
  assert.deepEqual([env[ENV.index], env[ENV.attempt]], ['2', '5'])
  assert.equal(JSON.parse(env[ENV.config] ?? '').batchSize, 32)
  assert.deepEqual(copy.metadata.labels, wanted.metadata.labels)
  assert.deepEqual([copy.metadata.name, copy.spec.hostname], ['jft-pj-worker-2', 'jft-pj-worker-2'])
  assert.ok(!('nodeName' in copy.spec) && !('priority' in copy.spec))
})
