/** Status of both kinds: recomputed from the world at each reconcile, written once. zod, for the CRD comes from it too. */
import { z } from 'zod'
import { keyedList } from './lists.ts'

export const PHASES = ['Pending', 'Waiting', 'Starting', 'Running', 'Suspended', 'Succeeded', 'Failed'] as const
export type Phase = (typeof PHASES)[number]

export const CONDITION_TYPES = [
  'Created',
  'Scheduled',
  'Running',
  'Degraded',
  'Stalled',
  'Suspended',
  'Restarting',
  'CheckpointDegraded',
  'SourceResolved',
  'Succeeded',
  'Failed',
] as const
export type ConditionType = (typeof CONDITION_TYPES)[number]

export const Condition = z.object({
  type: z.enum(CONDITION_TYPES),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string().max(128),
  message: z.string().max(4096),
  lastTransitionTime: z.iso.datetime(),
  observedGeneration: z.int(),
})
export type Condition = z.output<typeof Condition>

const RoleReplicas = z.object({
  desired: z.int(),
  ready: z.int(),
  failed: z.int(),
  succeeded: z.int(),
  /** "48/50", for people. */
  summary: z.string(),
})
export type RoleReplicas = z.output<typeof RoleReplicas>

const Checkpoint = z.object({
  step: z.int(),
  digest: z.string(),
  path: z.string(),
  savedAt: z.string(),
  final: z.boolean(),
  score: z.number().optional(),
})

export const JobStatus = z.object({
  observedGeneration: z.int(),
  phase: z.enum(PHASES),
  conditions: keyedList(Condition, 'type', 32),
  replicas: z.object({ ps: RoleReplicas, worker: RoleReplicas, evaluator: RoleReplicas }),
  /** For the scale subresource. */
  workersReady: z.int(),
  workerSelector: z.string(),
  progress: z
    .object({
      step: z.int(),
      maxSteps: z.int(),
      /** "37%", for people. */
      percent: z.string(),
      examplesPerSecond: z.number(),
      loss: z.number().optional(),
      etaSeconds: z.int().optional(),
      stalenessMean: z.number(),
      stalenessP99: z.number(),
      /** Distinct workers of which a push was applied. */
      workersContributed: z.int(),
      updatedAt: z.string(),
      /** When the step last rose: what progressDeadlineSeconds is measured from. */
      steppedAt: z.string(),
    })
    .optional(),
  checkpoint: Checkpoint.optional(),
  /** What `FinetuneJob.spec.from` chooses from; bounded by keep, keepBest and the steps of transfers. */
  checkpoints: z.array(Checkpoint).max(500).optional(),
  /** FinetuneJob: the pinned source. */
  source: z
    .object({
      pretrainJob: z.string(),
      uid: z.string(),
      step: z.int(),
      digest: z.string(),
      path: z.string(),
      claimName: z.string(),
    })
    .optional(),
  /** Newest evaluation: top1, top5, mAP@100, loss. */
  results: z.object({ step: z.int(), metrics: z.record(z.string(), z.number()), examples: z.int() }).optional(),
  /** "top1 0.412", for people. */
  headline: z.string().optional(),
  restarts: z.object({
    ps: z.int(),
    worker: z.int(),
    evaluator: z.int(),
    /** Those that count against backoffLimit: evictions and suspensions do not. */
    counted: z.int(),
    total: z.int(),
  }),
  /** A restart of the parameter servers is this number compared with the label on their pods. */
  psGeneration: z.int(),
  startTime: z.string().optional(),
  completionTime: z.string().optional(),
})
export type JobStatus = z.output<typeof JobStatus>
