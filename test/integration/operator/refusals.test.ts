/** An API server that refuses requests: the job shows its message, retries are slow, and the job recovers. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { consistently, eventually } from '../../support/eventually.ts'
import { pretrain } from '../../support/job-cases.ts'
import { type ConditionType, untilCondition } from './conditions.ts'
import { type Api, startApi, type TestNamespace } from './harness.ts'
import { type Refusal, type RefusingProxy, withRefusingProxy } from './refusing-proxy.ts'

let api: Api
before(async () => {
  api = await startApi()
})
after(() => api.close())

const MAX_AFTERWARDS = 8
const SPEC = { ...pretrain({ parameterServer: { replicas: 1 }, workers: { replicas: 3 } }).spec }

const withProxy = (namespace: string, check: (proxy: RefusingProxy, cluster: TestNamespace) => Promise<void>) =>
  withRefusingProxy(api, namespace, check)

/** A change of the job causes a reconcile at once, as its deletion or a timeout does. */
async function runs(cluster: TestNamespace): Promise<void> {
  await cluster.patch('PretrainJob', 'jft', { backoffLimit: 7 })
  await eventually(
    async () => {
      await cluster.actAsKubelet()
      assert.equal((await cluster.status('PretrainJob', 'jft'))?.phase, 'Running')
    },
    { timeoutMs: 10_000, intervalMs: 20 },
  )
}

const forbidden = (message: string): Refusal => ({ code: 403, reason: 'Forbidden', message })
interface Case {
  name: string
  namespace: string
  refuses: RegExp
  refusal: Refusal
  /** The condition that shows the refusal; default Created. */
  condition?: ConditionType
  expected: RegExp
  tries: number
}

const cases: Case[] = [
  {
    name: 'a quota that is used up',
    namespace: 'quota',
    refuses: /^POST pods$/,
    refusal: forbidden('pods "x" is forbidden: exceeded quota: gpus, requested: pods=1, used: pods=2, limited: pods=2'),
    expected: /^False QuotaExceeded: pods "x" is forbidden: exceeded quota: gpus/,
    tries: 4 + 2,
  },
  {
    name: 'a verb that is forbidden',
    namespace: 'verb',
    refuses: /^(POST|TRY) pods$/,
    refusal: forbidden('pods is forbidden: User "downpour" cannot create resource "pods" in API group ""'),
    expected: /^False Forbidden: pods is forbidden: User "downpour" cannot create/,
    tries: 4 + 2,
  },
  {
    name: 'a webhook that refuses pods',
    namespace: 'webhook',
    refuses: /^(POST|TRY) pods$/,
    refusal: {
      code: 400,
      reason: 'BadRequest',
      message: 'admission webhook "a.b" denied the request: untrusted image',
    },
    expected: /^False AdmissionDenied: admission webhook "a.b" denied the request: untrusted image/,
    tries: 0,
  },
  {
    name: 'a template that is refused',
    namespace: 'template',
    refuses: /^TRY pods$/,
    refusal: { code: 422, reason: 'Invalid', message: 'Pod "x" is invalid: spec.affinity.nodeAffinity: wrong' },
    expected: /^False TemplateInvalid: Pod "x" is invalid: spec.affinity.nodeAffinity: wrong/,
    tries: 0,
  },
  {
    name: 'a template that no pod can have',
    namespace: 'hopeless',
    refuses: /^TRY pods$/,
    refusal: {
      code: 422,
      reason: 'Invalid',
      message: 'Pod "x" is invalid: spec.affinity: wrong',
      details: { causes: [{ reason: 'FieldValueInvalid', field: 'spec.affinity', message: 'wrong' }] },
    },
    condition: 'Failed',
    expected: /^True TemplateInvalid: Pod "x" is invalid: spec.affinity: wrong/,
    tries: 0,
  },
  {
    name: 'a namespace that is being deleted',
    namespace: 'terminating',
    refuses: /^(POST|TRY) (pods|services)$/,
    refusal: forbidden('unable to create new content in namespace terminating because it is being terminated'),
    expected: /^False NamespaceTerminating: unable to create new content/,
    tries: 0,
  },
]

describe('a job shows the reason and retries slowly after', { concurrency: true }, () => {
  for (const { name, namespace, refuses, refusal, condition = 'Created', expected, tries } of cases) {
    test(name, () =>
      withProxy(namespace, async (proxy, cluster) => {
        proxy.refuse = (what) => (refuses.test(what) ? refusal : undefined)
        await cluster.create('PretrainJob', 'jft', SPEC)
        await untilCondition(cluster, condition, expected)
        const count = () => proxy.writes.filter((write) => write === 'POST pods').length
        // Its status write and its service each cause another reconcile, which tries one pod.
        const before = proxy.writes.length
        await consistently(() => {
          assert.ok(count() <= tries, `${count()} tries`)
          assert.ok(proxy.writes.length <= before + MAX_AFTERWARDS, proxy.writes.slice(before).join())
        })
        proxy.refuse = () => undefined
        await runs(cluster)
        assert.equal((await cluster.pods()).length, 4)
      }),
    )
  }
})

test('fifty throttled creations are made once each, after Retry-After', () =>
  withProxy('fast', async (proxy, cluster) => {
    const since: number[] = []
    const busy = { code: 429, reason: 'TooManyRequests', message: 'slow down', details: { retryAfterSeconds: 1 } }
    proxy.refuse = (what) => {
      if (what !== 'POST pods') return undefined
      since.push(performance.now())
      return since.length <= 20 ? busy : undefined
    }
    await cluster.create('PretrainJob', 'jft', { ...SPEC, workers: { replicas: 50 } })
    await eventually(async () => assert.equal((await cluster.pods()).length, 51), { timeoutMs: 10_000 })
    assert.equal(since.length, 51 + 20)
    const waitedMs = (since[51] ?? 0) - (since[50] ?? 0)
    assert.ok(waitedMs >= 950, `tried again after ${waitedMs} ms`)
  }))

test('a gang without its scheduler is reported, and no pod is created that would hold a GPU', () =>
  withProxy('gang', async (proxy, cluster) => {
    const notFound = { code: 404, reason: 'NotFound', message: 'the server could not find the requested resource' }
    proxy.refuse = (what) => (what === 'POST podgroups' ? notFound : undefined)
    await cluster.create('PretrainJob', 'jft', { ...SPEC, scheduling: { gang: 'volcano' } })
    await untilCondition(
      cluster,
      'Created',
      /^False GangUnavailable: the scheduler of spec.scheduling.gang is not installed/,
    )
    assert.ok(!proxy.writes.includes('POST pods'))
  }))

test('an unreachable API server only delays a job', () =>
  withProxy('away', async (proxy, cluster) => {
    proxy.refuse = () => 'silence'
    await cluster.create('PretrainJob', 'jft', SPEC)
    await consistently(async () => assert.equal((await cluster.pods()).length, 0), { timeoutMs: 300 })
    proxy.refuse = () => undefined
    await runs(cluster)
    proxy.refuse = () => 'silence'
    await cluster.endContainer('jft-pj-worker-1', 137)
    proxy.refuse = () => undefined
    await eventually(
      async () => {
        await cluster.actAsKubelet()
        assert.equal((await cluster.status('PretrainJob', 'jft'))?.restarts.worker, 1)
      },
      { timeoutMs: 10_000 },
    )
  }))

test('a job whose status must not be written waits until that is allowed', () =>
  withProxy('mute', async (proxy, cluster) => {
    proxy.refuse = (what) => (what.endsWith('/status') ? forbidden('cannot update pretrainjobs/status') : undefined)
    await cluster.create('PretrainJob', 'jft', SPEC)
    await eventually(async () => assert.equal((await cluster.pods()).length, 4))
    assert.equal(await cluster.status('PretrainJob', 'jft'), undefined)
    proxy.refuse = () => undefined
    await runs(cluster)
    assert.equal(proxy.writes.filter((write) => write === 'POST pods').length, 4)
  }))

test('the operator waits for kinds that are not installed', () =>
  withProxy('kinds', async (proxy, cluster) => {
    const page = { code: 404, reason: 'NotFound', message: '404 page not found' }
    proxy.refuse = (what) => (/^(GET|WATCH) (pretrain|finetune)jobs$/.test(what) ? page : undefined)
    await cluster.create('PretrainJob', 'jft', SPEC)
    await consistently(async () => assert.equal((await cluster.pods()).length, 0), { timeoutMs: 300 })
    proxy.refuse = () => undefined
    await runs(cluster)
  }))
