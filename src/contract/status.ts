/** GET /status of a runtime process, and the last words it leaves in the termination log (the same shapes, ≤ 4 KiB). */

import type { ClassesId } from './classes.ts'

export interface CheckpointInfo {
  step: number
  /** sha256 of manifest.json, hex. */
  digest: string
  /** Folder of the checkpoint, relative to the mounted checkpoint folder. */
  path: string
  savedAt: string
  /** True for the one written when the job reached maxSteps. */
  final: boolean
  /** The evaluator's score, once there is one. */
  score?: number
}

/** Served by parameter server 0, which coordinates the job. Others serve `{ role: 'ps', index, version, phase }`. */
export interface CoordinatorStatus {
  role: 'ps'
  index: 0
  phase: 'waiting' | 'training' | 'saving' | 'done' | 'failed'
  /** Of the process: a restarted parameter server has another one. */
  incarnation: number
  step: number
  maxSteps: number
  loss: number | null
  learningRate: number
  examplesPerSecond: number
  etaSeconds: number | null
  staleness: { mean: number; p99: number; max: number }
  pushes: { applied: number; duplicate: number; stale: number; nonfinite: number; fenced: number }
  workersConnected: number
  /** Distinct worker indices that ever had a push applied. */
  workersContributed: number
  epoch: number
  /** What stands for the job's list of classes; null: no worker has brought it yet. */
  classes: ClassesId | null
  checkpoints: CheckpointInfo[]
  /** Steps that are kept whatever the retention rule says, because somebody starts from them. Set by PUT /pins. */
  pinned: number[]
  checkpointFailures: { count: number; lastError: string | null }
  /** A fault that ended the job: code, and a sentence that says what to do. */
  failure: { code: string; message: string } | null
}

export interface WorkerStatus {
  role: 'worker'
  index: number
  phase: 'connecting' | 'training' | 'done' | 'failed'
  backend: string | null
  localSteps: number
  loss: number | null
  examplesPerSecond: number
  corruptRecords: number
  rssBytes: number
  failure: { code: string; message: string } | null
}

export interface EvaluatorStatus {
  role: 'evaluator'
  index: 0
  phase: 'waiting' | 'evaluating' | 'done' | 'failed'
  /** Newest first. Metrics are those that the task declares. */
  evaluations: { step: number; digest: string; metrics: Record<string, number>; examples: number }[]
  failure: { code: string; message: string } | null
}

export type RuntimeStatus = CoordinatorStatus | WorkerStatus | EvaluatorStatus
