/** Validates a PretrainJob's transfers as the FinetuneJobs that they become. */
import type { Issue } from './issue.ts'
import { MAX_JOB_NAME } from './names.ts'
import type { PretrainJobSpec } from './pretrain-job.ts'
import { finetuneManifest, transferPlans } from './transfers.ts'

type Transfers = Pick<PretrainJobSpec, 'transfers'>
/** Used in checks that do not depend on the job's name. */
const ANY_JOB = { name: 'job', namespace: 'default' }

export const TRANSFER_NAME_MESSAGE = `makes a FinetuneJob JOB-NAME or JOB-NAME-STEP whose name has more than ${MAX_JOB_NAME} characters`

export const SHARED_NAME_MESSAGE = 'makes two FinetuneJobs of one name'

/** @param validate validates a whole job; a template is valid if its FinetuneJob is */
export function transferIssues(jobName: string, spec: Transfers, validate: (job: unknown) => Issue[]): Issue[] {
  return [...templateIssues(spec, validate), ...nameIssues(jobName, spec)]
}

function templateIssues({ transfers = [] }: Transfers, validate: (job: unknown) => Issue[]): Issue[] {
  return transfers.flatMap((transfer, i) =>
    validate(finetuneManifest(ANY_JOB, { ...transfer, name: 't' })).map((issue) => ({
      ...issue,
      path: issue.path.replace(/^spec/, `spec.transfers[${i}].template`),
    })),
  )
}

function nameIssues(jobName: string, spec: Transfers): Issue[] {
  const names = transferPlans({ metadata: { ...ANY_JOB, name: jobName }, spec }).map(({ name }) => name)
  const issue = (value: string, message: string) => ({ path: 'spec.transfers', value, expected: message, message })
  const repeated = names.filter((name, i) => names.indexOf(name) !== i)
  return [
    ...names.filter((name) => name.length > MAX_JOB_NAME).map((name) => issue(name, TRANSFER_NAME_MESSAGE)),
    ...repeated.map((name) => issue(name, SHARED_NAME_MESSAGE)),
  ]
}
