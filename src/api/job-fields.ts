/** Fields of any job that do not concern training: failing, suspending, deadlines, cleaning up. */
import { z } from 'zod'
import { MAX_INT } from '../contract/training.ts'
import { setOf } from './lists.ts'
import { Propagate } from './propagate.ts'
import { Scheduling } from './scheduling.ts'

const FailurePolicy = z.strictObject({
  permanentExitCodes: setOf(z.int().min(1).max(255), 64)
    .optional()
    .describe('More exit codes of the container that fail the job at once, in addition to 2-99.'),
  retryableExitCodes: setOf(z.int().min(1).max(255), 64)
    .optional()
    .describe('More exit codes of the container to retry, in addition to 1 and 100-255.'),
  lostNodeSeconds: z
    .int()
    .min(1)
    .max(86_400)
    .optional()
    .describe('Seconds without a report of its node until a pod is deleted by force and replaced; never when absent.'),
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
    .describe('Number of restarts after failures of the program; evictions do not count.'),
  progressDeadlineSeconds: z
    .int()
    .min(1)
    .max(MAX_INT)
    .default(600)
    .describe('Seconds without a step until the condition Stalled. Time in a queue does not count.'),
  activeDeadlineSeconds: z
    .int()
    .min(1)
    .max(MAX_INT)
    .optional()
    .describe('Seconds until the job fails, counted from its creation, resume or admission by a queue.'),
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
    "Labels and annotations of the job that its pods and its transfers' FinetuneJobs carry too; none when absent.",
  ),
  scheduling: Scheduling.optional().describe('Cannot change while the job runs: suspend it first.'),
}
