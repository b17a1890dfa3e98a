import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Accumulator } from '../../../src/worker/accumulator.ts'
import type { WeightsBase } from '../../../src/worker/buffers.ts'
import type { StepSum } from '../../../src/worker/step-source.ts'

function output(gradient: number, statistic: number, loss: number, batches = 1): StepSum {
  return {
    gradients: new Map([['w', Float32Array.of(gradient, 2 * gradient)]]),
    statistics: new Map([['mean', Float32Array.of(statistic)]]),
    loss,
    parts: {},
    examples: 8 * batches,
    batches,
    nonFinite: 0,
    seconds: 0,
  }
}

/** @returns the base of a pull from two shards of these incarnations, both at this version */
function base(incarnation: number, version: number, other = incarnation): WeightsBase {
  return [
    { incarnation, version },
    { incarnation: other, version },
  ]
}

test('gradients and examples are summed; loss and batch statistics are averaged', () => {
  const sum = new Accumulator()
  sum.add(output(1, 5, 3), base(1, 0))
  sum.add(output(10, 6, 1), base(1, 0))
  assert.equal(sum.steps, 2)
  const { gradients, statistics, loss, examples, batches } = sum.take()
  assert.deepEqual([...(gradients.get('w') ?? [])], [11, 22])
  assert.deepEqual([...(statistics.get('mean') ?? [])], [5.5])
  assert.deepEqual([loss, examples, batches], [2, 16, 2])
})

test('a step of several batches counts as so many', () => {
  const sum = new Accumulator()
  sum.add(output(1, 12, 3, 3), base(1, 0))
  sum.add(output(10, 8, 7), base(1, 0))
  const { gradients, statistics, loss, examples, batches } = sum.take()
  assert.deepEqual([...(gradients.get('w') ?? [])], [11, 22])
  assert.deepEqual([...(statistics.get('mean') ?? [])], [5])
  assert.deepEqual([loss, examples, batches], [4, 32, 4])
})

test('a taken sum is not counted again', () => {
  const sum = new Accumulator()
  sum.add(output(1, 5, 3), base(1, 0))
  sum.take()
  assert.equal(sum.steps, 0)
  sum.add(output(2, 5, 7), base(1, 0))
  const { gradients, loss, examples } = sum.take()
  assert.deepEqual([[...(gradients.get('w') ?? [])], loss, examples], [[2, 4], 7, 8])
})

test('a sum has the version of its oldest part', () => {
  const sum = new Accumulator()
  sum.add(output(1, 5, 3), base(7, 10))
  sum.add(output(1, 5, 3), base(7, 13))
  assert.deepEqual(sum.take().base, base(7, 10))
  sum.add(output(1, 5, 3), base(7, 13))
  assert.deepEqual(sum.take().base, base(7, 13))
})

test('gradients of weights that a restarted server has lost are dropped', () => {
  const sum = new Accumulator()
  sum.add(output(100, 5, 3), base(7, 10))
  sum.add(output(1, 6, 1), base(7, 4, 8))
  assert.equal(sum.steps, 1, 'one shard restarted: the whole gradient belongs to lost weights')
  sum.add(output(2, 6, 1), base(7, 4, 8))
  const { gradients, examples, loss, base: taken } = sum.take()
  assert.deepEqual([[...(gradients.get('w') ?? [])], examples, loss], [[3, 6], 16, 1])
  assert.deepEqual(taken, base(7, 4, 8))
})
