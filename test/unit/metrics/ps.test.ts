import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPsMetrics } from '../../../src/metrics/ps.ts'

test('before the model is known there is no learning rate, and no step is lost', async () => {
  const { registry, training } = createPsMetrics()
  training(() => undefined)
  const text = await registry.metrics()
  assert.doesNotMatch(text, /^downpour_ps_learning_rate /m)
  assert.match(text, /^downpour_ps_steps_lost_total 0$/m)
  training(() => ({ learningRate: 0.1, stepsLost: 3, workers: [] }))
  const later = await registry.metrics()
  assert.match(later, /^downpour_ps_learning_rate 0.1$/m)
  assert.match(later, /^downpour_ps_steps_lost_total 3$/m)
})

test('a figure that is corrected downwards makes no counter fall', async () => {
  const { registry, skipped } = createPsMetrics()
  for (const figure of [2, 1, 2, 3]) skipped.riseTo(figure)
  assert.match(await registry.metrics(), /^downpour_checkpoint_skipped_total 3$/m)
})
