import { z } from 'zod'

/** Files on the checkpoint volume that other processes and people read. */
export const FILES = {
  manifest: 'manifest.json',
  /** Beside the manifest: the evaluator's scores of that checkpoint, `EvaluationRecord`. */
  evaluation: 'evaluation.json',
  /** Beside the manifest: the worst, median and best pictures of the evaluation set, `PicturesRecord`. */
  pictures: 'pictures.json',
  /** Beside the manifest while the evaluator scores that checkpoint: retention keeps it rather than others that wait. */
  evaluating: 'evaluating',
  /** Beside each manifest and in the job's folder: the classes in the order of the model's outputs. */
  classes: 'classes.json',
  /** In the job's folder: the checkpoint on a volume that the job started from, `ChosenSource`. */
  source: 'source.json',
  /** In the job's folder: a `HistoryRecord` as one JSON line every few steps; the report plots it. */
  history: 'history.jsonl',
  /** In the job's folder: every `EvaluationRecord` of the job as one JSON line, also those of deleted checkpoints. */
  evaluations: 'evaluations.jsonl',
  /** In the job's folder: the `SkippedRecord` of checkpoints that were deleted before they were scored. */
  skipped: 'skipped.json',
} as const

const count = z.int().min(0)
const SetScore = z.object({ metrics: z.record(z.string(), z.number()), examples: count })
/** Scores on all evaluation images, or on a sample of them. */
const Score = z.object({
  ...SetScore.shape,
  /** The same without the images of spec.evaluation.exclude; absent: the job excludes none. */
  reduced: z.exactOptional(SetScore),
})
export type SetScore = z.output<typeof SetScore>
export type Score = z.output<typeof Score>

export const EvaluationRecord = z.object({
  step: count,
  digest: z.string(),
  ...Score.shape,
  /** In files: digest of what determines the score besides the checkpoint, such as the evaluation data. */
  settings: z.exactOptional(z.string()),
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

export const SkippedRecord = z.object({
  count,
  /** The newest of these steps: one that the evaluator scores after all is taken back. */
  steps: z.array(count),
})
export type SkippedRecord = z.output<typeof SkippedRecord>

export const MAX_EVALUATION_BYTES = 1 << 20
/** A few pictures with masks of a few megapixels. */
export const MAX_PICTURES_BYTES = 1 << 26

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
