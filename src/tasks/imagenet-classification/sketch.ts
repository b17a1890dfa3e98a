import type { ClassLabels } from '../../data/dataset.ts'
import { topK } from '../../scores/top-k.ts'
import type { Sketches } from '../task.ts'

const TOP = 3

/** The most probable classes. The score is the probability of the true class. */
export function sketch(logits_C: Float32Array, { labels: [label] }: ClassLabels): Sketches {
  const highest = logits_C.reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY)
  const sum = logits_C.reduce((total, logit) => total + Math.exp(logit - highest), 0)
  const probability = (one: number) => Math.exp((logits_C[one] as number) - highest) / sum
  const predicted = topK(logits_C, TOP).map((one) => ({ label: one, score: probability(one) }))
  return {
    score: label === undefined ? undefined : probability(label),
    truth: { type: 'classes', classes: label === undefined ? [] : [{ label }] },
    prediction: { type: 'classes', classes: predicted },
  }
}
