import assert from 'node:assert/strict'
import { test } from 'node:test'
import { statusError } from '../../../src/kube/errors.ts'
import type { KubeObject } from '../../../src/kube/objects.ts'
import type { PodOrder } from '../../../src/operator/actions.ts'
import { completePlan, planned } from '../../../src/operator/planned.ts'
import { Rehearsal } from '../../../src/operator/rehearsal.ts'
import { pretrainJob } from './builders.ts'

const order = (role: PodOrder['role'], index: number, more: Partial<PodOrder> = {}): PodOrder => ({
  role,
  index,
  attempt: 0,
  generation: 0,
  failures: 0,
  ...more,
})
const { signal } = new AbortController()
const plan = completePlan(planned(pretrainJob(), { defaultImage: 'image' }))
const ALL = [order('ps', 0), order('worker', 0), order('worker', 1)]

function setup(answers: Record<string, Error> = {}) {
  const tried: string[] = []
  const create = async <T extends KubeObject>(
    _where: object,
    object: T,
    options?: { dryRun?: boolean },
  ): Promise<T> => {
    assert.equal(options?.dryRun, true)
    const { name } = object.metadata
    tried.push(name)
    if (answers[name]) throw answers[name]
    return object
  }
  return { rehearsal: new Rehearsal({ create }), tried, answers }
}
const answer = (status: number, message: string) => statusError('POST pods', status, { message })

test('one pod of each role is created with dryRun, once for each plan', async () => {
  const { rehearsal, tried } = setup()
  assert.deepEqual(await rehearsal.rehearse(ALL, plan, signal), [])
  assert.deepEqual(await rehearsal.rehearse(ALL, plan, signal), [])
  assert.deepEqual(tried, ['jft-pj-ps-0', 'jft-pj-worker-0'])
  await rehearsal.rehearse(ALL, { ...plan, hash: 'another' }, signal)
  assert.equal(tried.length, 4)
})

test('a refused template is reported, and tried again until it is accepted', async () => {
  const { rehearsal, answers } = setup({ 'jft-pj-worker-0': answer(422, 'spec.affinity: wrong') })
  const [refused, ...others] = await rehearsal.rehearse(ALL, plan, signal)
  assert.deepEqual([refused?.order, others], [ALL[1], []])
  delete answers['jft-pj-worker-0']
  assert.deepEqual(await rehearsal.rehearse(ALL, plan, signal), [])
})

test('an error that says nothing about the template is ignored: the real creation will report it', async () => {
  for (const error of [
    answer(400, 'admission webhook "a.b" does not support dry run'),
    answer(403, 'exceeded quota'),
    answer(409, 'already exists'),
    answer(500, 'failed calling webhook'),
    new Error('reset'),
  ]) {
    const { rehearsal } = setup({ 'jft-pj-worker-0': error })
    assert.deepEqual(await rehearsal.rehearse(ALL, plan, signal), [], error.message)
  }
})

test('a copy of an existing pod needs no rehearsal', async () => {
  const { rehearsal, tried } = setup()
  await rehearsal.rehearse([order('worker', 1, { like: 'jft-pj-worker-0' })], plan, signal)
  assert.deepEqual(tried, [])
})
