import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseKept, type RetentionRule, type ScoredCheckpoint } from '../../../src/ps/retention.ts'

function checkpoint(step: number, score?: number, final = false): ScoredCheckpoint {
  return { name: `step-${step}`, folder: '', digest: '', manifest: { step, final }, score } as ScoredCheckpoint
}

const NOTHING_PINNED: ReadonlySet<number> = new Set()
const ACCURACY = { name: 'top1', better: 'higher' } as const
const kept = (checkpoints: ScoredCheckpoint[], keep: number, keepBest: number, over: Partial<RetentionRule> = {}) =>
  [...chooseKept(checkpoints, { metric: ACCURACY, keep, keepBest, pinned: NOTHING_PINNED, ...over })].sort(
    (a, b) => a - b,
  )

test('the newest checkpoints are kept', () => {
  assert.deepEqual(
    kept(
      [1, 2, 3, 4].map((step) => checkpoint(step)),
      2,
      0,
    ),
    [3, 4],
  )
})

test('the best-scored checkpoints are kept as well; of equal scores the newer', () => {
  const scored = [checkpoint(1, 0.9), checkpoint(2, 0.5), checkpoint(3, 0.9), checkpoint(4, 0.1), checkpoint(5)]
  assert.deepEqual(kept(scored, 1, 1), [3, 5])
  assert.deepEqual(kept(scored, 1, 2), [1, 3, 5])
})

test('the lowest scores are kept for a metric that is better when lower', () => {
  const scored = [checkpoint(1, 0.1), checkpoint(2, 0), checkpoint(3, 0.9), checkpoint(4, 0.5)]
  assert.deepEqual(kept(scored, 1, 1, { metric: { name: 'error', better: 'lower' } }), [2, 4])
})

test('scores are ignored without a metric', () => {
  assert.deepEqual(kept([checkpoint(1, 0.9), checkpoint(2, 0.5)], 1, 1, { metric: undefined }), [2])
})

test('pinned and final checkpoints are kept beyond the limits', () => {
  const all = [checkpoint(1), checkpoint(2), checkpoint(3, undefined, true), checkpoint(4), checkpoint(5)]
  assert.deepEqual(kept(all, 1, 0, { pinned: new Set([2]) }), [2, 3, 5])
})
