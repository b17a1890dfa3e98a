import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { chooseKept, type RetentionRule, type ScoredCheckpoint } from '../../../src/ps/retention.ts'

function checkpoint(step: number, score?: number, final = false): ScoredCheckpoint {
  const evaluation = score === undefined ? 'waiting' : 'done'
  return {
    name: `step-${step}`,
    folder: '',
    digest: '',
    manifest: { step, final },
    score,
    evaluation,
  } as ScoredCheckpoint
}

const NOTHING_PINNED: ReadonlySet<number> = new Set()
const ACCURACY = { name: 'top1', better: 'higher' } as const
const kept = (checkpoints: ScoredCheckpoint[], keep: number, keepBest: number, over: Partial<RetentionRule> = {}) =>
  [
    ...chooseKept(checkpoints, { metric: ACCURACY, keep, keepBest, maxWaiting: 0, pinned: NOTHING_PINNED, ...over }),
  ].sort((a, b) => a - b)

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

function waiting(step: number, evaluation: ScoredCheckpoint['evaluation'] = 'waiting'): ScoredCheckpoint {
  return { ...checkpoint(step), evaluation }
}

test('checkpoints without a score are kept in addition: the newest, and first the one that is scored now', () => {
  const steps = [1, 2, 3, 4, 5, 6, 7]
  const all = steps.map((step) => waiting(step))
  assert.deepEqual(kept(all, 2, 0, { maxWaiting: 3 }), [3, 4, 5, 6, 7])
  assert.deepEqual(kept(all, 2, 0, { maxWaiting: 100 }), steps)
  const busy = [waiting(1, 'running'), ...all.slice(1)]
  assert.deepEqual(kept(busy, 2, 0, { maxWaiting: 3 }), [1, 4, 5, 6, 7])
  assert.deepEqual(kept(busy, 2, 0, { maxWaiting: 1 }), [1, 6, 7])
  assert.deepEqual(kept(busy, 2, 0, { maxWaiting: 0 }), [6, 7])
})

test('a checkpoint that is kept anyway takes no place of those that wait, and a scored one needs none', () => {
  const all = [waiting(1), checkpoint(2, 0.9), waiting(3), checkpoint(4, 0.1), waiting(5), waiting(6), waiting(7)]
  const rule = { maxWaiting: 1, pinned: new Set([3]) }
  assert.deepEqual(kept(all, 2, 1, rule), [2, 3, 5, 6, 7])
})

test('nothing waits in a job without an evaluation', () => {
  assert.deepEqual(
    kept(
      [1, 2, 3, 4].map((step) => waiting(step)),
      2,
      0,
      { maxWaiting: 4, metric: undefined },
    ),
    [3, 4],
  )
})

test('what is kept never shrinks with maxWaiting, and grows by at most that many', () => {
  const states = fc.array(fc.constantFrom('done', 'running', 'waiting'), { maxLength: 12 })
  fc.assert(
    fc.property(
      states,
      fc.nat(6),
      fc.integer({ min: 2, max: 4 }),
      fc.nat(2),
      (evaluations, maxWaiting, keep, keepBest) => {
        const all = evaluations.map((evaluation, i) => ({
          ...checkpoint(i, evaluation === 'done' ? i / 100 : undefined),
          evaluation,
        }))
        const [none, some] = [kept(all, keep, keepBest), kept(all, keep, keepBest, { maxWaiting })]
        const added = some.filter((step) => !none.includes(step))
        assert.ok(none.every((step) => some.includes(step)))
        const unscored = all.filter(
          ({ manifest, evaluation }) => evaluation !== 'done' && !none.includes(manifest.step),
        )
        assert.equal(added.length, Math.min(maxWaiting, unscored.length))
        assert.ok(added.every((step) => all[step]?.evaluation !== 'done'))
      },
    ),
  )
})
