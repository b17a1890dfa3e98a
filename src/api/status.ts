/** Status of both kinds: recomputed from the world at each reconcile, written once. zod, for the CRD comes from it too. */
import { z } from 'zod'
import { Condition } from './conditions.ts'
import { keyedList } from './lists.ts'

export const PHASES = ['Pending', 'Waiting', 'Starting', 'Running', 'Suspended', 'Succeeded', 'Failed'] as const
export type Phase = (typeof PHASES)[number]

const RoleReplicas = z.object({
  desired: z.int().describe('Pods that the spec asks for.'),
  ready: z.int().describe('Pods that run.'),
  failed: z.int().describe('Pods that ended with an error and are still there.'),
  succeeded: z.int().describe('Pods that ended well.'),
  summary: z.string().describe('ready/desired, for people.'),
})
export type RoleReplicas = z.output<typeof RoleReplicas>

const Checkpoint = z.object({
  step: z.int().describe('Global step of the weights.'),
  digest: z.string().describe('sha256 of its manifest, which names the sha256 of every file.'),
  path: z.string().describe('Folder inside the volume of checkpoints.'),
  savedAt: z.string().describe('When its manifest was written, which makes it a checkpoint.'),
  final: z.boolean().describe('Saved at the end of the job.'),
  score: z.number().optional().describe("By the evaluation's metric, once it is scored."),
})

const Progress = z.object({
  step: z.int().describe('Global step: pushes applied so far.'),
  maxSteps: z.int().describe('Global steps in all.'),
  percent: z.string().describe('step of maxSteps, for people.'),
  examplesPerSecond: z.number().describe('Of all workers together, lately.'),
  loss: z.number().optional().describe('Mean of the last pushes.'),
  etaSeconds: z.int().optional().describe('Until maxSteps at the present rate.'),
  stalenessMean: z.number().describe('Updates between the weights a push was computed on and those it met, mean.'),
  stalenessP99: z.number().describe('The same, 99th percentile.'),
  workersContributed: z.int().describe('Distinct workers of which a push was applied.'),
  updatedAt: z.string().describe('When this was read from parameter server 0.'),
  steppedAt: z.string().describe('When step last rose: what progressDeadlineSeconds is measured from.'),
})

const Source = z.object({
  pretrainJob: z.string().describe('Name of the job.'),
  uid: z.string().describe('uid of the job: another one of that name is another source.'),
  step: z.int().describe('Global step of the checkpoint.'),
  digest: z.string().describe('Digest of the checkpoint; the weights are refused if theirs is another.'),
  path: z.string().describe('Its folder inside the volume.'),
  claimName: z.string().describe('PersistentVolumeClaim of the volume.'),
})

const Results = z.object({
  step: z.int().describe('Global step of the checkpoint that was scored.'),
  metrics: z.record(z.string(), z.number()).describe('Those that the task declares, such as top1 and loss.'),
  examples: z.int().describe('Images scored.'),
})

const Restarts = z.object({
  ps: z.int().describe('Of parameter servers.'),
  worker: z.int().describe('Of workers.'),
  evaluator: z.int().describe('Of the evaluator.'),
  counted: z.int().describe('Those that count against backoffLimit: evictions and suspensions do not.'),
  total: z.int().describe('All of them.'),
})

export const JobStatus = z.object({
  observedGeneration: z.int().describe('metadata.generation that the operator has last acted on.'),
  phase: z.enum(PHASES).describe('The conditions in one word.'),
  conditions: keyedList(Condition, 'type', 32).describe('What holds and what does not, with reasons.'),
  replicas: z
    .object({
      ps: RoleReplicas.describe('Parameter servers.'),
      worker: RoleReplicas.describe('Workers that train.'),
      evaluator: RoleReplicas.describe('The evaluator.'),
    })
    .describe('Pods, by role.'),
  workersReady: z.int().describe('Workers that run, for the scale subresource.'),
  workerSelector: z.string().describe('Label selector of the workers, for the scale subresource.'),
  progress: Progress.optional().describe('How far training is, as parameter server 0 says.'),
  checkpoint: Checkpoint.optional().describe('The newest checkpoint.'),
  checkpoints: z
    .array(Checkpoint)
    .max(500)
    .optional()
    .describe('Those that spec.from of other jobs chooses from; bounded by keep, keepBest and the steps of transfers.'),
  source: Source.optional().describe('The checkpoint that it starts from, pinned.'),
  results: Results.optional().describe('The newest evaluation.'),
  headline: z.string().optional().describe('The result in a few words, for people.'),
  restarts: Restarts.describe('Pods that were replaced.'),
  psGeneration: z
    .int()
    .describe('How often the parameter servers have all been restarted; compared with the label on their pods.'),
  startTime: z
    .string()
    .optional()
    .describe('When its pods were first made, resumed or admitted by a queue; absent while it is suspended or queued.'),
  completionTime: z.string().optional().describe('When the job ended.'),
})
export type JobStatus = z.output<typeof JobStatus>
