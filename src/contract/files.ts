import { z } from 'zod'

/** Files that processes leave on the checkpoint volume for each other and for people. */
export const FILES = {
  manifest: 'manifest.json',
  /** Beside the manifest: the evaluator's scores of that checkpoint, `EvaluationRecord`. */
  evaluation: 'evaluation.json',
  /** Beside the manifest, and of the running job in its folder: the classes in the order of the model's outputs. */
  classes: 'classes.json',
  /** In the job's folder: one JSON line every few steps, `HistoryRecord`; the report draws from it. */
  history: 'history.jsonl',
} as const

const count = z.int().min(0)
const EvaluationRecord = z.object({
  step: count,
  digest: z.string(),
  metrics: z.record(z.string(), z.number()),
  examples: count,
})
export type EvaluationRecord = z.output<typeof EvaluationRecord>

const HistoryRecord = z.object({
  step: count,
  at: z.string(),
  loss: z.number(),
  learningRate: z.number(),
  examplesPerSecond: z.number(),
  stalenessMean: z.number(),
  workers: count,
})
export type HistoryRecord = z.output<typeof HistoryRecord>

export const MAX_EVALUATION_BYTES = 1 << 20

/** Undefined for what no evaluator of ours has written whole: it counts as no score. */
export function parseEvaluation(text: string): EvaluationRecord | undefined {
  return parsedAs(EvaluationRecord, text)
}

/** Undefined for a line that was cut short by a crash, or that no parameter server has written. */
export function parseHistoryLine(line: string): HistoryRecord | undefined {
  return parsedAs(HistoryRecord, line)
}

function parsedAs<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

/** @example checkpointFolder(1500) === 'step-000001500' */
export function checkpointFolder(step: number): string {
  return `step-${String(step).padStart(9, '0')}`
}
