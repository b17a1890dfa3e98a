import { z } from 'zod'

/** Files on the checkpoint volume that other processes and people read. */
export const FILES = {
  manifest: 'manifest.json',
  /** Beside the manifest: the evaluator's scores of that checkpoint, `EvaluationRecord`. */
  evaluation: 'evaluation.json',
  /** Beside each manifest and in the job's folder: the classes in the order of the model's outputs. */
  classes: 'classes.json',
  /** In the job's folder: a `HistoryRecord` as one JSON line every few steps; the report plots it. */
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

/** Undefined for a file that is incomplete or not an evaluation: the checkpoint then has no score. */
export function parseEvaluation(text: string): EvaluationRecord | undefined {
  return parsedAs(EvaluationRecord, text)
}

/** Undefined for a line that a crash cut short, or that is not a record. */
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

/** @example shardFile(0, 2) === 'shard-00000-of-00002.safetensors' */
export function shardFile(index: number, shards: number): string {
  const five = (n: number) => String(n).padStart(5, '0')
  return `shard-${five(index)}-of-${five(shards)}.safetensors`
}

/** The names of all checkpoint folders. */
export const STEP_FOLDER = /^step-\d{9,}$/
