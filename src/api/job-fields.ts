/** Fields of any job that do not concern training: failures, suspension, deadlines, cleanup, propagation, scheduling. */
import { z } from 'zod'
import { MAX_INT } from '../contract/training.ts'
import { setOf } from './lists.ts'
import { Propagate } from './propagate.ts'
import { Scheduling } from './scheduling.ts'

const FailurePolicy = z.strictObject({
  permanentExitCodes: setOf(z.int().min(1).max(255), 64)
    .optional()
    .describe('Exit codes of the main container, besides 2-99 except 20, that fail the job at once.'),
  retryableExitCodes: setOf(z.int().min(1).max(255), 64)
    .optional()
    .describe('Exit codes of the main container, besides 1, 20 and 100-255, that are retried. Overrides 2-99.'),
  lostNodeSeconds: z
    .int()
    .min(1)
    .max(86_400)
    .optional()
    .describe(
      'If the node of a pod has reported no status for this many seconds, the pod is force-deleted and replaced. Never when absent.',
    ),
})

export const jobFields = {
  suspend: z
    .boolean()
    .default(false)
    .describe('True: save a checkpoint and remove the pods. False: continue from that checkpoint.'),
  failurePolicy: FailurePolicy.optional().describe('Which exit codes fail the job, and which are retried.'),
  backoffLimit: z
    .int()
    .min(0)
    .max(100_000)
    .default(20)
    .describe('Restarts after program failures before the job fails. Evictions do not count.'),
  progressDeadlineSeconds: z
    .int()
    .min(1)
    .max(MAX_INT)
    .default(600)
    .describe(
      'The job gets the condition Stalled after this many seconds without a global step. Time in a queue does not count.',
    ),
  activeDeadlineSeconds: z
    .int()
    .min(1)
    .max(MAX_INT)
    .optional()
    .describe(
      'The job fails after this many seconds, counted from the latest of its creation, resumption and admission by a queue.',
    ),
  cleanPodPolicy: z
    .enum(['None', 'Running', 'All'])
    .default('Running')
    .describe('Pods to remove when the job has ended.'),
  ttlSecondsAfterFinished: z
    .int()
    .min(0)
    .max(MAX_INT)
    .optional()
    .describe('Seconds after its end until the job is deleted; never when absent.'),
  propagate: Propagate.optional().describe(
    'Labels and annotations of the job to copy to its pods and, for a PretrainJob, to the FinetuneJobs of spec.transfers. None when absent.',
  ),
  scheduling: Scheduling.optional().describe(
    'How the pods are queued and placed. Can change only while the job is suspended.',
  ),
}
