import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ARGS, ENV } from '../../../src/contract/runtime.ts'
import { copyPod, type WholePod } from '../../../src/operator/copy-pod.ts'
import { planJob } from '../../../src/plan/job-plan.ts'
import type { Container, PlannedPod } from '../../../src/plan/types.ts'
import { OPTIONS, pretrainJob } from '../plan/jobs.ts'

const podFor = (role: 'ps' | 'worker', batchSize: number, index: number, attempt: number) =>
  planJob(pretrainJob({ batchSize }), OPTIONS).pod(role, index, { attempt, generation: 0 }) as unknown as WholePod

const containerOf = (pod: WholePod) => (pod as unknown as PlannedPod).spec.containers[0] as Container

test('a copy trains with the settings of its peer, under its own name, index and attempt', () => {
  const [wanted, peer] = [podFor('worker', 64, 2, 5), podFor('worker', 32, 1, 0)]
  const copy = copyPod(wanted, { ...peer, spec: { ...peer.spec, nodeName: 'n', priority: 0 } })
  assert.deepEqual(containerOf(copy).args, ['worker', ARGS.index, '2', ARGS.attempt, '5'])
  const config = containerOf(copy).env.find(({ name }) => name === ENV.config)
  assert.equal(JSON.parse(config?.value ?? '').batchSize, 32)
  assert.deepEqual(copy.metadata.labels, wanted.metadata.labels)
  assert.equal(copy.metadata.name, 'jft-pj-worker-2')
  assert.ok(!('nodeName' in copy.spec) && !('priority' in copy.spec))
})

test('a copied parameter server has its own hostname, a copied worker has none', () => {
  const [ps, other] = [podFor('ps', 32, 1, 0), podFor('ps', 32, 0, 0)]
  assert.equal(copyPod(ps, other).spec.hostname, 'jft-pj-ps-1')
  const [worker, older] = [podFor('worker', 32, 1, 0), podFor('worker', 32, 0, 0)]
  assert.ok(!('hostname' in copyPod(worker, { ...older, spec: { ...older.spec, hostname: 'jft-pj-worker-0' } }).spec))
})

test('a copy omits what webhooks, a queue and the operator have added to its peer', () => {
  const [wanted, peer] = [podFor('worker', 32, 2, 1), podFor('worker', 32, 0, 0)]
  const added = {
    containers: [{ name: 'proxy', args: ['serve'] }, ...peer.spec.containers],
    initContainers: [{ name: 'proxy-init' }],
    volumes: [{ name: 'proxy-certs' }, ...(peer.spec.volumes ?? [])],
    schedulingGates: [{ name: 'kueue.x-k8s.io/admission' }],
    activeDeadlineSeconds: 1,
  }
  const copy = copyPod(wanted, { ...peer, spec: { ...peer.spec, ...added } })
  assert.deepEqual(
    copy.spec.containers.map(({ args }) => args),
    [['worker', ARGS.index, '2', ARGS.attempt, '1']],
  )
  assert.deepEqual(copy.spec.volumes, wanted.spec.volumes)
  assert.deepEqual(Object.keys(copy.spec).sort(), Object.keys(wanted.spec).sort())
})
