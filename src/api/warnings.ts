/** Warnings about jobs that are valid but probably not intended. */
import type { DataSource } from './common.ts'
import type { Issue } from './issue.ts'
import type { Job } from './job.ts'
import { issueText } from './parse.ts'

type Data = Pick<ReturnType<typeof DataSource.parse>, 'source' | 'format' | 'labels' | 'files'>

const SAME_DATA =
  'the same files as spec.data: its score will not say how well the model does on images it has not seen'

interface EvaluatedSpec {
  data: Data
  evaluation?: { data: Data } | undefined
}

/** Warnings about a valid job and about the templates of its transfers. */
function jobWarnings(job: Job): Issue[] {
  const transfers = job.kind === 'PretrainJob' ? (job.spec.transfers ?? []) : []
  const templates = transfers.flatMap(({ template }, i) =>
    sameDataWarning(template as EvaluatedSpec, `spec.transfers[${i}].template`),
  )
  return [...sameDataWarning(job.spec, 'spec'), ...templates]
}

function sameDataWarning({ data, evaluation }: EvaluatedSpec, path: string): Issue[] {
  if (!evaluation || placeOf(evaluation.data) !== placeOf(data)) return []
  const { source } = evaluation.data
  return [{ path: `${path}.evaluation.data.source`, value: source, expected: 'other files', message: SAME_DATA }]
}

/** One line per warning. @param job a valid job */
export function warningLines(label: string, job: Job): string[] {
  return jobWarnings(job).map((issue) => `${label}: warning: ${issueText(issue)}`)
}

/** @example 'a/./b' and 'a/b/' are the same folder */
function placeOf({ source, format, labels, files }: Data): string {
  const steps = (source.path ?? '').split('/').filter((step) => step !== '' && step !== '.')
  return JSON.stringify([source.claimName, steps, format, labels, files])
}
