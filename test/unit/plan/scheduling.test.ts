import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { planJob } from '../../../src/plan/job-plan.ts'
import { finetuneJob, OPTIONS, podsOf, pretrainJob } from './jobs.ts'

const small = { parameterServer: { replicas: 2 }, workers: { replicas: 5, quorum: 3 } }
const metadataOf = (job: ReturnType<typeof pretrainJob>, role: string) => {
  const pod = podsOf(job).find(({ metadata }) => metadata.labels['downpour.dev/role'] === role)
  assert.ok(pod)
  const { labels, annotations = {} } = pod.metadata
  const foreign = (of: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(of).filter(([key]) => !/^(downpour\.dev|app\.kubernetes\.io|kubectl\.kubernetes\.io)\//.test(key)),
    )
  return { labels: foreign(labels), annotations: foreign(annotations), schedulerName: pod.spec.schedulerName }
}

suite('a job in a queue of Kueue', () => {
  const job = pretrainJob({ ...small, scheduling: { queueName: 'team-a' } })

  test('has all its pods in one group, whose name differs from that of an earlier job with the same name', () => {
    for (const role of ['ps', 'worker', 'evaluator']) {
      assert.deepEqual(metadataOf(job, role), {
        labels: { 'kueue.x-k8s.io/queue-name': 'team-a', 'kueue.x-k8s.io/pod-group-name': 'jft-pj-7c0b6f5e' },
        annotations: {
          'kueue.x-k8s.io/pod-group-total-count': '8',
          'kueue.x-k8s.io/pod-group-pod-index-label': 'downpour.dev/index',
        },
        schedulerName: undefined,
      })
    }
    assert.equal(planJob(job, OPTIONS).podGroup, undefined)
  })

  test('keeps annotations of its template for Kueue, but not another group', () => {
    const labels = { 'kueue.x-k8s.io/priority-class': 'high', 'kueue.x-k8s.io/pod-group-name': 'mine' }
    const annotations = { 'kueue.x-k8s.io/podset-required-topology': 'cloud.provider.com/rack' }
    const workers = { replicas: 5, template: { labels, annotations } }
    const worker = metadataOf(pretrainJob({ workers, scheduling: { queueName: 'team-a' } }), 'worker')
    assert.equal(worker.labels['kueue.x-k8s.io/priority-class'], 'high')
    assert.equal(worker.labels['kueue.x-k8s.io/pod-group-name'], 'jft-pj-7c0b6f5e')
    assert.equal(worker.annotations['kueue.x-k8s.io/podset-required-topology'], 'cloud.provider.com/rack')
  })

  test('has few kinds of pods at any size, because a group of Kueue may have eight', () => {
    const shapes = podsOf(job).map(({ spec: { containers } }) =>
      JSON.stringify(containers.map(({ resources, ports }) => [resources, ports])),
    )
    assert.ok(new Set(shapes).size <= 3)
  })
})

suite('a gang', () => {
  test('of Volcano has every parameter server and a quorum of the workers, in its queue', () => {
    const scheduling = { gang: 'volcano', queueName: 'team-a', priorityClassName: 'high' }
    const job = pretrainJob({ ...small, scheduling })
    const group = planJob(job, OPTIONS).podGroup
    assert.deepEqual([group?.apiVersion, group?.kind], ['scheduling.volcano.sh/v1beta1', 'PodGroup'])
    assert.equal(group?.metadata.name, 'jft-pj')
    assert.equal(group?.metadata.ownerReferences[0]?.uid, job.metadata.uid)
    assert.deepEqual(group?.spec, {
      minMember: 5,
      minTaskMember: { ps: 2, worker: 3 },
      queue: 'team-a',
      priorityClassName: 'high',
    })
    const annotations = { 'scheduling.k8s.io/group-name': 'jft-pj', 'volcano.sh/task-spec': 'worker' }
    assert.deepEqual(metadataOf(job, 'worker'), { labels: {}, annotations, schedulerName: 'volcano' })
  })

  test('of coscheduling is set by a label', () => {
    const job = finetuneJob({ scheduling: { gang: 'coscheduling' } })
    const group = planJob(job, OPTIONS).podGroup
    assert.equal(group?.apiVersion, 'scheduling.x-k8s.io/v1alpha1')
    assert.deepEqual(group?.spec, { minMember: 17 + 1 })
    assert.deepEqual(metadataOf(job, 'ps').labels, { 'scheduling.x-k8s.io/pod-group': 'birds-fj' })
    assert.equal(metadataOf(job, 'ps').schedulerName, 'scheduler-plugins-scheduler')
  })

  test('does not include the evaluator, which the same scheduler places alone', () => {
    const job = pretrainJob({ ...small, scheduling: { gang: 'coscheduling' } })
    const evaluator = metadataOf(job, 'evaluator')
    assert.deepEqual([evaluator.labels, evaluator.annotations], [{}, {}])
    assert.equal(evaluator.schedulerName, 'scheduler-plugins-scheduler')
  })

  test('may use a scheduler with another name', () => {
    const job = pretrainJob({ scheduling: { gang: 'coscheduling', schedulerName: 'default-scheduler' } })
    assert.equal(metadataOf(job, 'ps').schedulerName, 'default-scheduler')
  })

  test('of type none does not change the pods', () => {
    const job = pretrainJob({ scheduling: { gang: 'none' } })
    assert.deepEqual(metadataOf(job, 'ps'), { labels: {}, annotations: {}, schedulerName: undefined })
    assert.equal(planJob(job, OPTIONS).podGroup, undefined)
  })
})

suite('a pod that asks for a device', () => {
  const tolerationsOf = (template: object) =>
    podsOf(pretrainJob({ workers: { replicas: 1, template } })).find(({ metadata }) => /worker/.test(metadata.name))
      ?.spec.tolerations

  test('tolerates the taint with the name of the device', () => {
    const resources = { limits: { 'nvidia.com/gpu': 1, memory: '8Gi' } }
    assert.deepEqual(tolerationsOf({ resources }), [{ key: 'nvidia.com/gpu', operator: 'Exists' }])
  })

  test('keeps the tolerations of its template', () => {
    const mine = { key: 'nvidia.com/gpu', operator: 'Equal', value: 'a100', effect: 'NoSchedule' }
    const resources = { limits: { 'nvidia.com/gpu': 1 } }
    assert.deepEqual(tolerationsOf({ resources, tolerations: [mine] }), [mine])
    assert.equal(tolerationsOf({ resources: { limits: { cpu: 1 } } }), undefined)
  })
})
