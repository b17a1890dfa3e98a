/** Files that processes leave on the checkpoint volume for each other and for people. */
export const FILES = {
  manifest: 'manifest.json',
  /** Beside the manifest: the evaluator's scores of that checkpoint, `EvaluationRecord`. */
  evaluation: 'evaluation.json',
  /** In the job's folder: one JSON line every few steps, `HistoryRecord`; the report draws from it. */
  history: 'history.jsonl',
} as const

export interface EvaluationRecord {
  step: number
  digest: string
  metrics: Record<string, number>
  examples: number
}

export interface HistoryRecord {
  step: number
  at: string
  loss: number
  learningRate: number
  examplesPerSecond: number
  stalenessMean: number
  workers: number
}

/** @example checkpointFolder(1500) === 'step-000001500' */
export function checkpointFolder(step: number): string {
  return `step-${String(step).padStart(9, '0')}`
}
