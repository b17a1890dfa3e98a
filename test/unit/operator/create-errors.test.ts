import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { statusError } from '../../../src/kube/errors.ts'
import type { Action } from '../../../src/operator/actions.ts'
import { createErrorOf } from '../../../src/operator/create-errors.ts'
import { decide } from '../../../src/operator/decide.ts'
import { addRequestFailures, firstTransient, isBlocked, nextRetryMs } from '../../../src/operator/request-failures.ts'
import { DownpourError } from '../../../src/support/errors.ts'
import { conditionText, NOW, observed, pod, pretrainJob } from './builders.ts'

const create: Action = { type: 'createPod', role: 'worker', index: 0, attempt: 0, generation: 0, failures: 0 }
const answer = (status: number, message: string, ...fields: string[]) => {
  const causes = fields.map((field) => ({ reason: 'FieldValueInvalid', field, message: 'Invalid value' }))
  return statusError('POST /api/v1/namespaces/team/pods', status, { message, details: { causes } })
}
const pods = 'pods "jft-pj-worker-0" is forbidden:'

/** The messages are those of kube-apiserver 1.34. */
const cases: { name: string; error: unknown; action?: Action; reason: string; retrySeconds: number | undefined }[] = [
  {
    name: 'a quota that is used up',
    error: answer(403, `${pods} exceeded quota: gpus, requested: pods=1, used: pods=10, limited: pods=10`),
    reason: 'QuotaExceeded',
    retrySeconds: 10,
  },
  {
    name: 'a verb that is forbidden',
    error: answer(403, 'pods is forbidden: User "system:serviceaccount:a:b" cannot create resource "pods"'),
    reason: 'Forbidden',
    retrySeconds: 10,
  },
  {
    name: 'a namespace that is being deleted',
    error: answer(403, `${pods} unable to create new content in namespace team because it is being terminated`),
    reason: 'NamespaceTerminating',
    retrySeconds: Number.POSITIVE_INFINITY,
  },
  {
    name: 'a namespace that is gone',
    error: answer(404, 'namespaces "team" not found'),
    reason: 'NamespaceMissing',
    retrySeconds: Number.POSITIVE_INFINITY,
  },
  {
    name: 'a webhook that refuses',
    error: answer(400, 'admission webhook "images.example.com" denied the request: only from registry.example.com'),
    reason: 'AdmissionDenied',
    retrySeconds: 10,
  },
  {
    name: 'a policy that refuses',
    error: answer(422, 'ValidatingAdmissionPolicy "p" with binding "b" denied request: no latest tags'),
    reason: 'AdmissionDenied',
    retrySeconds: 10,
  },
  {
    name: 'a security level that the pod does not meet',
    error: answer(403, `${pods} violates PodSecurity "restricted:latest": runAsNonRoot != true`),
    reason: 'AdmissionDenied',
    retrySeconds: 10,
  },
  {
    name: 'a webhook that does not answer',
    error: answer(500, 'Internal error occurred: failed calling webhook "a.b": connection refused'),
    reason: 'WebhookFailed',
    retrySeconds: undefined,
  },
  {
    name: 'a template with a wrong value',
    error: answer(422, 'Pod "x" is invalid: spec.affinity.nodeAffinity: Required value', 'spec.affinity.nodeAffinity'),
    reason: 'TemplateInvalid',
    retrySeconds: Number.POSITIVE_INFINITY,
  },
  {
    name: 'a template that is no pod',
    error: answer(400, 'strict decoding error: unknown field "spec.affinity.nodeAffinty"'),
    reason: 'TemplateInvalid',
    retrySeconds: Number.POSITIVE_INFINITY,
  },
  ...['spec.containers[0].resources.requests', 'spec.containers[1].image', 'spec.initContainers[0].name'].map(
    (field) => ({
      name: `a wrong value in ${field}, which a LimitRange or a webhook may have set,`,
      error: answer(422, `Pod "x" is invalid: ${field}: Invalid value`, 'spec.affinity', field),
      reason: 'TemplateInvalid',
      retrySeconds: 300,
    }),
  ),
  {
    name: 'a refusal that names no field',
    error: answer(422, 'Pod "x" is invalid'),
    reason: 'TemplateInvalid',
    retrySeconds: 300,
  },
  {
    name: 'a gang without its scheduler',
    error: answer(404, 'the server could not find the requested resource'),
    action: { type: 'createPodGroup' },
    reason: 'GangUnavailable',
    retrySeconds: 10,
  },
  {
    name: 'a name that another owner holds',
    error: new DownpourError('NAME_CONFLICT', 'pods team/a exists already and belongs to no controller'),
    reason: 'NameConflict',
    retrySeconds: 10,
  },
  { name: 'too many requests', error: answer(429, 'slow down'), reason: 'CreateFailed', retrySeconds: undefined },
]

describe('an error of creating a pod', () => {
  for (const { name, error, action = create, reason, retrySeconds } of cases) {
    test(`${name} is reported as ${reason}, with the message of the API server`, () => {
      const createError = createErrorOf(error, action)
      assert.equal(createError.reason, reason)
      assert.ok(
        createError.message.includes((error as Error).message.replace(/^POST.*?: \d+ \w+: /, '')),
        createError.message,
      )
      assert.equal(createError.retryMs, retrySeconds === undefined ? undefined : retrySeconds * 1000)
    })
  }
})

describe('a request that failed', () => {
  const job = pretrainJob()
  const decision = decide(job, observed([pod('ps', 0)]), NOW)
  const failWith = (error: unknown, before = job) =>
    addRequestFailures(
      decision,
      [
        { item: create, error },
        { item: create, error },
      ],
      before,
      NOW,
    )
  const quota = answer(403, 'pods "a" is forbidden: exceeded quota: gpus')

  test('is in the condition, with the number of pods that it affects', () => {
    const text = conditionText(failWith(quota), 'Created')
    assert.equal(text, 'False QuotaExceeded: pods "a" is forbidden: exceeded quota: gpus (and 1 more)')
  })

  test('is one event, however often it repeats', () => {
    const first = failWith(quota)
    const eventCount = (one: typeof first) => one.events.filter(({ reason }) => reason === 'QuotaExceeded').length
    assert.equal(eventCount(first), 1)
    const again = failWith(quota, pretrainJob({ status: first.status }))
    assert.deepEqual([eventCount(again), again.status.conditions[0]], [0, first.status.conditions[0]])
  })

  test('because of the template fails the job once, until the template is corrected', () => {
    const wrong = answer(422, 'Pod "a" is invalid: spec.affinity: wrong', 'spec.affinity')
    const { status, events } = failWith(wrong)
    assert.equal(status.phase, 'Failed')
    assert.match(
      conditionText({ status, events, actions: [] }, 'Failed'),
      /^True TemplateInvalid: Pod "a" is invalid: spec\.affinity: wrong/,
    )
    const failed = pretrainJob({ status })
    assert.equal(failWith(wrong, failed).events.length, 0)
    assert.match(conditionText(decide(failed, observed([]), NOW), 'Failed'), /^False /)
  })

  test('for a reason that may pass does not fail the job', () => {
    for (const error of [quota, answer(422, 'Pod "a" is invalid', 'spec.containers[0].resources.requests')])
      assert.equal(failWith(error).status.phase, decision.status.phase)
  })

  test('for a lasting reason blocks the other pods of the job; a name conflict does not', () => {
    assert.equal(isBlocked(pretrainJob({ status: failWith(quota).status })), true)
    const taken = new DownpourError('NAME_CONFLICT', 'taken')
    assert.equal(isBlocked(pretrainJob({ status: failWith(taken).status })), false)
    assert.equal(isBlocked(job), false)
  })

  test('for a lasting reason is retried after a fixed time; a transient one through the back-off of the queue', () => {
    const failed = (status: number, message: string) => [{ item: create, error: answer(status, message) }]
    assert.deepEqual(
      [firstTransient(failed(403, 'exceeded quota')), nextRetryMs(failed(403, 'exceeded quota'))],
      [undefined, 10_000],
    )
    assert.equal(nextRetryMs(failed(403, 'it is being terminated')), Number.POSITIVE_INFINITY)
    assert.ok(firstTransient(failed(503, 'later')))
  })
})
