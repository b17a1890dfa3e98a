/** A run is over when every job of it has ended or was deleted, and none of them will create another FinetuneJob. */
import type { Job } from '../../api/job.ts'
import { transferPlans } from '../../api/transfers.ts'
import { ANNOTATIONS } from '../../contract/names.ts'
import { isUnfinished, jobText } from '../job-text.ts'

export interface Completion {
  isOver: boolean
  /** One sentence for each FinetuneJob that the run does not wait for, with the reason. */
  notes: string[]
}

type Transfer = { state: 'exists' | 'expected' } | { state: 'notExpected'; note: string }

/**
 * @param jobs the jobs of the run that exist
 * @param otherJobs other jobs: one may have the name that a transfer would get
 */
export function completionOf(jobs: readonly Job[], otherJobs: readonly Job[] = []): Completion {
  const transfers = jobs.flatMap((job) => transfersOf(job, jobs, otherJobs))
  return {
    isOver: !jobs.some(isUnfinished) && !transfers.some(({ state }) => state === 'expected'),
    notes: transfers.flatMap((one) => (one.state === 'notExpected' ? [one.note] : [])),
  }
}

function transfersOf(job: Job, jobs: readonly Job[], otherJobs: readonly Job[]): Transfer[] {
  if (job.kind !== 'PretrainJob') return []
  const made = (job.metadata.annotations?.[ANNOTATIONS.transfersMade] ?? '').split(',')
  return transferPlans(job).map(({ name, step }): Transfer => {
    const matches = ({ kind, metadata }: Job) =>
      kind === 'FinetuneJob' && metadata.name === name && metadata.namespace === job.metadata.namespace
    const notExpected = (why: string): Transfer => ({
      state: 'notExpected',
      note: `the run does not wait for FinetuneJob/${name}: ${why}`,
    })
    if (jobs.some(matches)) return { state: 'exists' }
    if (made.includes(name)) return notExpected(`${jobText(job)} created it, and it was deleted`)
    if (otherJobs.some(matches)) return notExpected(`a job of this name exists that ${jobText(job)} did not create`)
    if (isUnfinished(job)) return { state: 'expected' }
    if (step === undefined)
      return job.status?.phase === 'Succeeded'
        ? { state: 'expected' }
        : notExpected(`${jobText(job)} has not succeeded`)
    const isSaved = job.status?.checkpoints?.some((saved) => saved.step === step)
    return isSaved ? { state: 'expected' } : notExpected(`${jobText(job)} ended without a checkpoint of step ${step}`)
  })
}
