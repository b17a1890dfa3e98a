/** The status of both kinds, which each reconcile computes and writes once. The CRD is generated from it. */
import { z } from 'zod'
import { InitReport, Lineage } from '../contract/first-weights.ts'
import { Condition } from './conditions.ts'
import { keyedList } from './lists.ts'

export const PHASES = ['Pending', 'Waiting', 'Starting', 'Running', 'Suspended', 'Succeeded', 'Failed'] as const
export type Phase = (typeof PHASES)[number]

const RoleReplicas = z.object({
  desired: z.int().describe('Pods that the spec asks for.'),
  ready: z.int().describe('Pods that are running.'),
  failed: z.int().describe('Pods that failed and still exist.'),
  succeeded: z.int().describe('Pods that succeeded.'),
  summary: z.string().describe('ready/desired, for people.'),
})
export type RoleReplicas = z.output<typeof RoleReplicas>

const Checkpoint = z.object({
  step: z.int().describe('Global step of the weights.'),
  digest: z.string().describe('sha256 of its manifest, which contains the sha256 of every file.'),
  path: z.string().describe('Folder inside the volume of checkpoints.'),
  savedAt: z.string().describe('When its manifest was written.'),
  final: z.boolean().describe('Saved at the end of the job.'),
  score: z.number().optional().describe("Value of the evaluation's metric, once it is scored."),
})

const Progress = z.object({
  step: z.int().describe('Global step: pushes applied so far.'),
  maxSteps: z.int().describe('Global steps in all.'),
  percent: z.string().describe('step of maxSteps, for people.'),
  examplesPerSecond: z.number().describe('Examples per second of all workers together, over the last 20 seconds.'),
  loss: z.number().optional().describe('Training loss, mean of the last pushes.'),
  etaSeconds: z.int().optional().describe('Seconds until maxSteps at the present rate.'),
  stalenessMean: z
    .number()
    .describe('Mean number of updates between the pull of the weights and the push of their gradient.'),
  stalenessP99: z.number().describe('99th percentile of the same number of updates.'),
  workersContributed: z.int().describe('Number of workers that have had a push applied.'),
  stepsLost: z
    .int()
    .optional()
    .describe('Steps taken again, because the parameter servers went back to a checkpoint; absent: none.'),
  lastRollback: z
    .object({
      incarnation: z.int().describe('The start of parameter server 0 that went back.'),
      steps: z.int().describe('The part of stepsLost that is due to it.'),
    })
    .optional()
    .describe('The last return to a checkpoint that lost steps, so that each step counts once.'),
  updatedAt: z.string().describe('When this was read from parameter server 0.'),
  steppedAt: z.string().describe('When step last increased. progressDeadlineSeconds counts from here.'),
})

const PinnedSource = z.object({
  pretrainJob: z.string().exactOptional().describe('Name of the job that saved it; absent for a source on a volume.'),
  uid: z.string().exactOptional().describe('uid of that job, because another job could have the same name later.'),
  step: z.int().describe('Global step of the checkpoint.'),
  digest: z.string().describe('Digest of the checkpoint. Weights with another digest are refused.'),
  path: z.string().describe('Its folder inside the volume.'),
  claimName: z.string().describe('PersistentVolumeClaim of the volume.'),
})
export type PinnedSource = z.output<typeof PinnedSource>

/** @example 'step 1000 of PretrainJob "jft"' */
export function pinnedText({ step, pretrainJob, claimName, path }: PinnedSource): string {
  return pretrainJob === undefined
    ? `step ${step} in folder ${path} of claim "${claimName}"`
    : `step ${step} of PretrainJob "${pretrainJob}"`
}

const scores = {
  metrics: z.record(z.string(), z.number()).describe('Metrics of the task, such as top1 and loss.'),
  examples: z.int().describe('Images scored.'),
}
const Results = z.object({
  step: z.int().describe('Global step of the checkpoint that was scored.'),
  ...scores,
  reduced: z.object(scores).optional().describe('The same without the images of spec.evaluation.exclude.'),
})

const EvaluationProgress = z.object({
  waiting: z.int().describe('Checkpoints that have no score yet.'),
  skipped: z.int().describe('Checkpoints that were deleted before they were scored; see spec.evaluation.maxWaiting.'),
})

const Restarts = z.object({
  ps: z.int().describe('Restarts of parameter servers.'),
  worker: z.int().describe('Restarts of workers.'),
  evaluator: z.int().describe('Restarts of the evaluator.'),
  counted: z.int().describe('Restarts that count against backoffLimit, without evictions and suspensions.'),
  total: z.int().describe('All restarts.'),
})

const ReplacedStraggler = z.object({
  worker: z.int().describe('Index of the worker.'),
  podUid: z.string().describe('uid of the pod that was slow.'),
  node: z.string().exactOptional().describe('Its node, which its successors avoid.'),
  at: z.iso.datetime().describe('When it was replaced.'),
})
export type ReplacedStraggler = z.output<typeof ReplacedStraggler>

export const JobStatus = z.object({
  observedGeneration: z.int().describe('The newest metadata.generation that the operator has acted on.'),
  phase: z.enum(PHASES).describe('Summary of the conditions in one word.'),
  conditions: keyedList(Condition, 'type', 32).describe('The conditions of the job, with reasons.'),
  replicas: z
    .object({
      ps: RoleReplicas.describe('Parameter servers.'),
      worker: RoleReplicas.describe('Workers that train.'),
      evaluator: RoleReplicas.describe('The evaluator.'),
    })
    .describe('Pods, by role.'),
  workersReady: z.int().describe('Workers that are running, for the scale subresource.'),
  workerSelector: z.string().describe('Label selector of the workers, for the scale subresource.'),
  progress: Progress.optional().describe('Progress of training, from parameter server 0.'),
  checkpoint: Checkpoint.optional().describe('The newest checkpoint.'),
  checkpoints: z
    .array(Checkpoint)
    .max(500)
    .optional()
    .describe(
      'Checkpoints that spec.from of other jobs can choose; limited by keep, keepBest and the steps of transfers.',
    ),
  source: PinnedSource.optional().describe('The pinned checkpoint that the job starts from.'),
  init: InitReport.optional().describe('What the job has taken from that checkpoint, and what it has drawn.'),
  lineage: Lineage.optional().describe(
    'The checkpoints that its weights descend from: its own source first, then the source of that job, and so on.',
  ),
  results: Results.optional().describe('The newest evaluation.'),
  evaluation: EvaluationProgress.optional().describe('How far the evaluator is; absent: the job has none.'),
  headline: z.string().optional().describe('The result as a short text, for people.'),
  restarts: Restarts.describe('Pods that were replaced.'),
  stragglersReplaced: z
    .array(ReplacedStraggler)
    .max(100)
    .optional()
    .describe('Slow workers that were replaced within the last 24 hours (spec.workers.stragglers); absent: none.'),
  psGeneration: z
    .int()
    .describe('How often all parameter servers have been restarted; the label of their pods has the same number.'),
  runningSeconds: z
    .int()
    .optional()
    .describe('Seconds in phase Running, without those since runningSince; absent while there are none.'),
  runningSince: z.string().optional().describe('When the phase became Running; absent in any other phase.'),
  startTime: z
    .string()
    .optional()
    .describe(
      'When the pods were first created, resumed or admitted by a queue; absent while the job is suspended or queued.',
    ),
  completionTime: z.string().optional().describe('When the job ended.'),
})
export type JobStatus = z.output<typeof JobStatus>
