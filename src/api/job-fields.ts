/** What people expect of any job, whatever it trains: ending, failing, pausing, cleaning up. */
import { z } from 'zod'
import { MAX_INT } from '../contract/training.ts'
import { setOf } from './lists.ts'
import { Propagate } from './propagate.ts'
import { Scheduling } from './scheduling.ts'

const FailurePolicy = z.strictObject({
  permanentExitCodes: setOf(z.int().min(1).max(255), 64)
    .optional()
    .describe('Exit codes of our own container that fail the job at once, besides 2-99.'),
  retryableExitCodes: setOf(z.int().min(1).max(255), 64)
    .optional()
    .describe('Exit codes of our own container to retry, besides 1 and 100-255.'),
  lostNodeSeconds: z
    .int()
    .min(1)
    .max(86_400)
    .optional()
    .describe('A pod whose node has not answered for so long is deleted by force and replaced; never when absent.'),
})

export const jobFields = {
  suspend: z
    .boolean()
    .default(false)
    .describe('True: save a checkpoint, then remove the pods; false again: go on from there.'),
  failurePolicy: FailurePolicy.optional().describe('Which exit codes of a pod end the job, and which are tried again.'),
  backoffLimit: z
    .int()
    .min(0)
    .max(100_000)
    .default(20)
    .describe('Restarts after failures of the program; evictions do not count.'),
  progressDeadlineSeconds: z
    .int()
    .min(1)
    .max(MAX_INT)
    .default(600)
    .describe('No step for so long: condition Stalled. Time in a queue does not count.'),
  activeDeadlineSeconds: z
    .int()
    .min(1)
    .max(MAX_INT)
    .optional()
    .describe('Active for longer than this since it was made, resumed or admitted by a queue: the job fails.'),
  cleanPodPolicy: z
    .enum(['None', 'Running', 'All'])
    .default('Running')
    .describe('Pods removed when the job has ended.'),
  ttlSecondsAfterFinished: z
    .int()
    .min(0)
    .max(MAX_INT)
    .optional()
    .describe('The job is deleted so long after its end; kept when absent.'),
  propagate: Propagate.optional().describe(
    "Labels and annotations of the job that its pods and its transfers' FinetuneJobs carry too; none when absent.",
  ),
  scheduling: Scheduling.optional().describe('Cannot change while the job runs: suspend it first.'),
}
