import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { tensorflowThreads } from '../../../../src/cli/run/tensorflow-threads.ts'
import { finetune, pretrain } from '../../../support/job-cases.ts'

const withWorkers = (replicas: number) => pretrain({ workers: { replicas } })
const tuning = finetune({ workers: { replicas: 1 } })

suite('threads of TensorFlow in a local run', () => {
  test('a single worker gets every core', () => {
    assert.equal(tensorflowThreads([withWorkers(1)], 16, 16), 16)
  })

  test('jobs that train side by side share the cores', () => {
    assert.equal(tensorflowThreads([withWorkers(1), tuning, tuning, tuning], 2, 8), 4)
  })

  test('so do the workers of one job', () => {
    assert.equal(tensorflowThreads([withWorkers(3)], 2, 8), 2)
  })

  test('more pods than cores get one each', () => {
    assert.equal(tensorflowThreads([withWorkers(50)], 2, 2), 1)
  })
})
