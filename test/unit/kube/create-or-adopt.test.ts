import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { createKubeClient } from '../../../src/kube/client.ts'
import { createOrAdopt } from '../../../src/kube/create-or-adopt.ts'
import type { KubeObject } from '../../../src/kube/objects.ts'
import type { DownpourError } from '../../../src/support/errors.ts'
import { silentLog } from '../../../src/support/log.ts'
import { type Answer, failure, json, startFakeApi } from '../../support/fake-api.ts'

const PODS = { apiVersion: 'v1', plural: 'pods', namespace: 'team' }
const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

async function setup(answer: Answer) {
  const api = await startFakeApi(answer)
  open.push(api.close)
  const client = createKubeClient({ kubeConfig: api.kubeConfig, log: silentLog, retry: { attempts: 1 } })
  open.push(() => client.close())
  return { api, client }
}

function ownedBy(uid: string, controller = true): KubeObject {
  const owner = { apiVersion: 'downpour.dev/v1alpha1', kind: 'PretrainJob', name: `job-${uid}`, uid, controller }
  return { metadata: { name: 'a', uid: 'pod-1', ownerReferences: [owner] } }
}

test('a missing object is created', async () => {
  const { client } = await setup((call, response) => json(response, 201, call.body))
  const { outcome, object } = await createOrAdopt(client, PODS, ownedBy('me'), 'me')
  assert.equal(outcome, 'created')
  assert.equal(object.metadata.name, 'a')
})

test('an existing object with the same controller is adopted unchanged', async () => {
  const { client } = await setup((call, response) =>
    call.method === 'POST' ? failure(response, 409, 'AlreadyExists') : json(response, 200, ownedBy('me')),
  )
  const { outcome, object } = await createOrAdopt(client, PODS, ownedBy('me'), 'me')
  assert.deepEqual([outcome, object.metadata.uid], ['adopted', 'pod-1'])
})

for (const [whose, found, owner] of [
  ["another job's", ownedBy('other'), 'job-other'],
  ['without an owner', { metadata: { name: 'a', uid: 'x' } }, undefined],
  ['owned by the job, but not as its controller', ownedBy('me', false), undefined],
] as const) {
  test(`an object of that name that is ${whose} is a conflict that names it`, async () => {
    const { client } = await setup((call, response) =>
      call.method === 'POST' ? failure(response, 409, 'AlreadyExists') : json(response, 200, found),
    )
    await assert.rejects(createOrAdopt(client, PODS, ownedBy('me'), 'me'), (error: DownpourError) => {
      assert.equal(error.code, 'NAME_CONFLICT')
      assert.equal((error.details.owner as { name: string } | undefined)?.name, owner)
      return true
    })
  })
}

test('an object that vanishes between create and get is left to the next reconcile', async () => {
  const { client } = await setup((call, response) =>
    call.method === 'POST' ? failure(response, 409, 'AlreadyExists') : failure(response, 404, 'NotFound'),
  )
  await assert.rejects(createOrAdopt(client, PODS, ownedBy('me'), 'me'), { code: 'KUBE_ALREADY_EXISTS' })
})

test('a conflict that is not about the name is thrown', async () => {
  const { api, client } = await setup((_call, response) => failure(response, 403, 'Forbidden'))
  await assert.rejects(createOrAdopt(client, PODS, ownedBy('me'), 'me'), { code: 'KUBE_FORBIDDEN' })
  assert.equal(api.calls.length, 1)
})
