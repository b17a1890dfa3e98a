import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Accumulator } from '../../../src/worker/accumulator.ts'
import type { StepOutput } from '../../../src/worker/step.ts'

function output(gradient: number, statistic: number, loss: number): StepOutput {
  return {
    gradients: new Map([['w', Float32Array.of(gradient, 2 * gradient)]]),
    statistics: new Map([['mean', Float32Array.of(statistic)]]),
    loss,
    examples: 8,
    finite: true,
    seconds: 0,
  }
}

test('gradients and examples add up, the loss is a mean, statistics are the newest', () => {
  const sum = new Accumulator()
  sum.add(output(1, 5, 3))
  sum.add(output(10, 6, 1))
  assert.equal(sum.steps, 2)
  const { gradients, statistics, loss, examples } = sum.take()
  assert.deepEqual([...(gradients.get('w') ?? [])], [11, 22])
  assert.deepEqual([...(statistics.get('mean') ?? [])], [6])
  assert.deepEqual([loss, examples], [2, 16])
})

test('what was taken is not counted again', () => {
  const sum = new Accumulator()
  sum.add(output(1, 5, 3))
  sum.take()
  assert.equal(sum.steps, 0)
  sum.add(output(2, 5, 7))
  const { gradients, loss, examples } = sum.take()
  assert.deepEqual([[...(gradients.get('w') ?? [])], loss, examples], [[2, 4], 7, 8])
})
