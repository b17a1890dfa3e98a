/** Tests which labels and annotations of a job its pods get, and with which user and group ids they run. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { planned } from '../../../src/operator/planned.ts'
import { planJob } from '../../../src/plan/job-plan.ts'
import { pretrain, type RawJob, SHORT_TEMPLATE } from '../../support/job-cases.ts'
import { jobOf, OPTIONS, podsOf, pretrainJob } from './jobs.ts'

const LABELS = { team: 'vision', 'cost-center': '42', 'app.kubernetes.io/instance': 'argo' }
const ANNOTATIONS = { 'example.com/owner': 'me', 'argocd.argoproj.io/tracking-id': 'a:b' }
function labelled(spec: Record<string, unknown> = {}) {
  const raw = pretrain(spec)
  return jobOf({ ...raw, metadata: { ...raw.metadata, labels: LABELS, annotations: ANNOTATIONS } } as RawJob)
}

suite('labels and annotations of a job', () => {
  test('are not propagated by default', () => {
    const job = labelled({ transfers: [{ name: 't', at: { success: true }, template: SHORT_TEMPLATE }] })
    const keys = podsOf(job).flatMap(({ metadata }) => Object.keys({ ...metadata.labels, ...metadata.annotations }))
    for (const key of Object.keys({ ...LABELS, ...ANNOTATIONS })) assert.ok(!keys.includes(key), key)
    const [transfer] = planned(job, OPTIONS).transfers
    assert.deepEqual([transfer?.object.metadata.labels ?? {}, transfer?.object.metadata.annotations ?? {}], [{}, {}])
  })

  test('are on every pod if propagate names them, and no others', () => {
    const propagate = { labels: ['cost-center', 'absent'], annotations: ['example.com/owner'] }
    for (const { metadata } of podsOf(labelled({ propagate }))) {
      assert.equal(metadata.labels['cost-center'], '42')
      assert.equal(metadata.annotations?.['example.com/owner'], 'me')
      assert.ok(!('team' in metadata.labels) && !('absent' in metadata.labels))
      assert.ok(!('argocd.argoproj.io/tracking-id' in (metadata.annotations ?? {})))
    }
  })

  test('are propagated to the FinetuneJobs of its transfers and to their pods', () => {
    const propagate = { labels: ['team'], annotations: ['example.com/owner'] }
    const transfers = [
      { name: 'heirs', at: { success: true }, template: SHORT_TEMPLATE },
      { name: 'own', at: { success: true }, template: { ...SHORT_TEMPLATE, propagate: { labels: [] } } },
    ]
    const [heirs, own] = planned(labelled({ propagate, transfers }), OPTIONS).transfers
    assert.deepEqual(heirs?.object.metadata.labels, { team: 'vision' })
    assert.deepEqual(heirs?.object.metadata.annotations, { 'example.com/owner': 'me' })
    assert.deepEqual(
      [heirs, own].map((one) => (one?.object as { spec?: { propagate?: object } } | undefined)?.spec?.propagate),
      [propagate, { labels: [] }],
    )
  })

  test('are overridden by the template of the role and by the operator', () => {
    const propagate = { labels: ['team', 'kueue.x-k8s.io/queue-name'] }
    const raw = pretrain({
      propagate,
      scheduling: { queueName: 'real' },
      workers: { template: { labels: { team: 'gpu' } } },
    })
    const labels = { team: 'vision', 'kueue.x-k8s.io/queue-name': 'other' }
    const pods = podsOf(jobOf({ ...raw, metadata: { ...raw.metadata, labels } } as RawJob))
    for (const { metadata } of pods) {
      assert.equal(metadata.labels.team, metadata.labels['downpour.dev/role'] === 'worker' ? 'gpu' : 'vision')
      assert.equal(metadata.labels['kueue.x-k8s.io/queue-name'], 'real')
    }
  })

  test('do not change the hash of a plan, so existing pods stay', () => {
    const hash = (spec: object) => planJob(labelled({ ...spec }), OPTIONS).hash
    assert.equal(hash({ propagate: { labels: ['team'] } }), hash({}))
  })
})

suite('scrape annotations of pods', () => {
  const options = { ...OPTIONS, scrapeAnnotations: true }
  const valuesOf = (annotations: Record<string, string> = {}) =>
    ['scrape', 'port', 'path', 'scheme'].map((key) => annotations[`prometheus.io/${key}`])

  test('are on the pods of every role if the operator is told to write them', () => {
    const job = pretrainJob()
    for (const { metadata } of podsOf(job)) assert.deepEqual(valuesOf(metadata.annotations), Array(4).fill(undefined))
    for (const { metadata } of podsOf(job, planJob(job, options)))
      assert.deepEqual(valuesOf(metadata.annotations), ['true', '9090', '/metrics', 'http'])
  })

  test('are those of the template if it has them', () => {
    const annotations = { 'prometheus.io/scrape': 'false' }
    const job = pretrainJob({ workers: { template: { annotations } } })
    const worker = planJob(job, options).pod('worker', 0, { attempt: 0, generation: 0 })
    assert.deepEqual(valuesOf(worker.metadata.annotations), ['false', '9090', '/metrics', 'http'])
  })

  test('do not change the hash of a plan, so existing pods stay', () => {
    assert.equal(planJob(pretrainJob(), options).hash, planJob(pretrainJob(), OPTIONS).hash)
  })
})

suite('user and group ids of pods', () => {
  const idsOf = (runtime: object, podIds?: 'fixed' | 'platform') => {
    const job = pretrainJob({ runtime })
    const contexts = podsOf(job, planJob(job, { ...OPTIONS, ...(podIds && { podIds }) })).map(
      ({ spec }) => spec.securityContext as Record<string, unknown>,
    )
    for (const context of contexts) {
      assert.deepEqual(context, contexts[0])
      assert.deepEqual([context.runAsNonRoot, context.seccompProfile], [true, { type: 'RuntimeDefault' }])
    }
    const { runAsUser, runAsGroup, fsGroup } = contexts[0] ?? {}
    return [runAsUser, runAsGroup, fsGroup]
  }
  const FIXED = [65532, 65532, 65532]
  const NONE = [undefined, undefined, undefined]

  test('are fixed unless the operator or the job leaves them to the platform', () => {
    assert.deepEqual(idsOf({}), FIXED)
    assert.deepEqual(idsOf({}, 'platform'), NONE)
    assert.deepEqual(idsOf({ podIds: 'platform' }), NONE)
    assert.deepEqual(idsOf({ podIds: 'platform' }, 'fixed'), NONE)
    assert.deepEqual(idsOf({ podIds: 'fixed' }, 'platform'), FIXED)
  })

  test('are those of the template if it sets them', () => {
    const job = pretrainJob({
      runtime: { podIds: 'platform' },
      workers: { template: { securityContext: { fsGroup: 1000 } } },
    })
    const worker = planJob(job, OPTIONS).pod('worker', 0, { attempt: 0, generation: 0 })
    assert.deepEqual(worker.spec.securityContext, {
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
      fsGroup: 1000,
    })
  })

  test('change the hash of a plan, so pods get new ones after a suspension', () => {
    const hash = (runtime: object, podIds?: 'fixed' | 'platform') =>
      planJob(pretrainJob({ runtime }), { ...OPTIONS, ...(podIds && { podIds }) }).hash
    assert.equal(hash({}, 'fixed'), hash({}))
    assert.notEqual(hash({ podIds: 'platform' }), hash({}))
    assert.equal(hash({ podIds: 'platform' }), hash({}, 'platform'))
  })
})
