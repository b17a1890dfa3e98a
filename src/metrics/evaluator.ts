/** Metrics of an evaluator (names: downpour_evaluator_*). */
import { Counter, Gauge, Histogram } from 'prom-client'
import { createRegistry, type RegistryOptions } from './registry.ts'

const SECONDS = [0.3, 1, 3, 10, 30, 100, 300, 1000]

export type EvaluationResult = 'success' | 'purged' | 'refused'
const RESULTS: readonly EvaluationResult[] = ['success', 'purged', 'refused']

export type EvaluatorMetrics = ReturnType<typeof createEvaluatorMetrics>

export function createEvaluatorMetrics(options: RegistryOptions = {}) {
  const registry = createRegistry(options)
  const registers = [registry]
  const metrics = {
    registry,
    evaluations: new Counter({
      name: 'downpour_evaluator_evaluations_total',
      help: 'Checkpoints by the result of their evaluation.',
      labelNames: ['result'],
      registers,
    }),
    seconds: new Histogram({
      name: 'downpour_evaluator_evaluation_duration_seconds',
      help: 'Time to load and score one checkpoint.',
      buckets: SECONDS,
      registers,
    }),
    step: new Gauge({ name: 'downpour_evaluator_last_step', help: 'Step of the last scored checkpoint.', registers }),
    score: new Gauge({
      name: 'downpour_evaluator_score',
      help: 'Last value of each metric that the task declares.',
      labelNames: ['metric'],
      registers,
    }),
    reducedScore: new Gauge({
      name: 'downpour_evaluator_reduced_score',
      help: 'The same without the images of spec.evaluation.exclude; no series in a job that excludes none.',
      labelNames: ['metric'],
      registers,
    }),
  }
  for (const result of RESULTS) metrics.evaluations.inc({ result }, 0)
  return metrics
}
