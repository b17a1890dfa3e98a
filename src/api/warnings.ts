/** What is right and yet hardly what was meant. */
import type { DataSource } from './common.ts'
import type { Issue } from './issue.ts'
import type { Job } from './job.ts'

type Data = Pick<ReturnType<typeof DataSource.parse>, 'source' | 'format' | 'labels' | 'files'>

const SAME_DATA =
  'the same files as spec.data: its score will not say how well the model does on images it has not seen'

/** Of a job that is valid. */
export function jobWarnings({ spec }: Job): Issue[] {
  if (!spec.evaluation || placeOf(spec.evaluation.data) !== placeOf(spec.data)) return []
  const { source } = spec.evaluation.data
  return [{ path: 'spec.evaluation.data.source', value: source, expected: 'other files', message: SAME_DATA }]
}

/** @example 'a/./b' and 'a/b/' are one folder */
function placeOf({ source, format, labels, files }: Data): string {
  const steps = (source.path ?? '').split('/').filter((step) => step !== '' && step !== '.')
  return JSON.stringify([source.claimName, steps, format, labels, files])
}
