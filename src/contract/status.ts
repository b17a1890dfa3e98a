/** GET /status of a runtime process, and its termination message (the same shapes, at most 4 KiB). */
import { z } from 'zod'
import { ClassesId } from './classes.ts'
import { EvaluationRecord } from './files.ts'
import { InitReport, Lineage } from './first-weights.ts'

const count = z.int().min(0)
const text = z.string().max(4096)

/** A fault that ended the process: a code, and a sentence that says what to do. */
const Failure = z.object({ code: text, message: text })
export type Failure = z.output<typeof Failure>

const CheckpointInfo = z.object({
  step: count,
  /** sha256 of manifest.json, hex. */
  digest: text,
  /** Folder of the checkpoint, relative to the mounted checkpoint folder. */
  path: text,
  savedAt: text,
  /** True for the one written when the job reached maxSteps. */
  final: z.boolean(),
  /** The evaluator's score, once there is one. */
  score: z.number().exactOptional(),
})
export type CheckpointInfo = z.output<typeof CheckpointInfo>

export const ChosenSource = z.object({
  step: count,
  /** sha256 of its manifest, hex. */
  digest: text,
  /** Its folder, relative to the mounted source folder. */
  path: text,
})
export type ChosenSource = z.output<typeof ChosenSource>

export const Straggler = z.object({
  worker: count,
  /** The pod that is slow: another one may have taken its place since. */
  podUid: text,
  /** Time of its steps, divided by the median over workers. */
  slowness: z.number(),
  /** When it was first as slow as this, and has been ever since. */
  since: text,
})
export type Straggler = z.output<typeof Straggler>
export const MAX_STRAGGLERS = 50

/** Served by parameter server 0, which coordinates the job. Others serve `{ role: 'ps', index, version, phase }`. */
export const CoordinatorStatus = z.object({
  role: z.literal('ps'),
  index: z.literal(0),
  phase: z.enum(['waiting', 'training', 'saving', 'done', 'failed']),
  /** Differs after each restart of the process. */
  incarnation: z.number(),
  step: count,
  /** Steps of the former process that are taken again, as far as workers have reported them to this one. */
  stepsLost: count.default(0),
  maxSteps: z.int().min(1),
  loss: z.number().nullable(),
  learningRate: z.number(),
  examplesPerSecond: z.number().min(0),
  etaSeconds: z.number().min(0).nullable(),
  staleness: z.object({ mean: z.number(), p99: z.number(), max: z.number() }),
  /** `fenced`: of pods whose place another pod has taken. */
  pushes: z.object({ applied: count, duplicate: count, stale: count, nonfinite: count, fenced: count }),
  workersConnected: count,
  /** Distinct worker indices that ever had a push applied. */
  workersContributed: count,
  /** Slow workers, the slowest first; empty: none, or the process is of an older version. */
  stragglers: z.array(Straggler).max(MAX_STRAGGLERS).default([]),
  epoch: count,
  /** The hash of the job's list of classes; null: no worker has sent one yet. */
  classes: ClassesId.nullable().default(null),
  /** The checkpoint on a volume that the job started from; null: it starts from none, or has not chosen it yet. */
  source: ChosenSource.nullable().default(null),
  /** What the job has taken from its source; null: not known yet, or the job started with an older version. */
  init: InitReport.nullable().default(null),
  /** The jobs whose weights it continues, its own source first; empty: none, or not known yet. */
  lineage: Lineage.default([]),
  checkpoints: z.array(CheckpointInfo).max(500),
  /** Steps that retention keeps because another job starts from them. Set by PUT /pins. */
  pinned: z.array(count).max(1000),
  /** Checkpoints that were deleted before the evaluator had scored them. */
  checkpointsSkipped: count.default(0),
  checkpointFailures: z.object({ count, lastError: z.string().nullable() }),
  failure: Failure.nullable(),
})
export type CoordinatorStatus = z.output<typeof CoordinatorStatus>

export interface WorkerStatus {
  role: 'worker'
  index: number
  phase: 'connecting' | 'training' | 'done' | 'failed'
  backend: string | null
  localSteps: number
  loss: number | null
  /** The terms of the loss, where the task names them; null: not finite. */
  lossParts: Record<string, number | null>
  examplesPerSecond: number
  corruptRecords: number
  rssBytes: number
  failure: Failure | null
}

export const EvaluatorStatus = z.object({
  role: z.literal('evaluator'),
  index: z.literal(0),
  phase: z.enum(['waiting', 'evaluating', 'done', 'failed']),
  /** Newest first. Metrics are those that the task declares. */
  evaluations: z.array(EvaluationRecord).max(1000),
  failure: Failure.nullable(),
})
export type EvaluatorStatus = z.output<typeof EvaluatorStatus>
