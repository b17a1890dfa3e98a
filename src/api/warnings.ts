/** Warnings about jobs that are valid but probably not intended. */
import type { DataSource } from './common.ts'
import type { Issue } from './issue.ts'
import type { Job } from './job.ts'

type Data = Pick<ReturnType<typeof DataSource.parse>, 'source' | 'format' | 'labels' | 'files'>

const SAME_DATA =
  'the same files as spec.data: its score will not say how well the model does on images it has not seen'

/** For a valid job. */
export function jobWarnings({ spec }: Job): Issue[] {
  if (!spec.evaluation || placeOf(spec.evaluation.data) !== placeOf(spec.data)) return []
  const { source } = spec.evaluation.data
  return [{ path: 'spec.evaluation.data.source', value: source, expected: 'other files', message: SAME_DATA }]
}

/** @example 'a/./b' and 'a/b/' are the same folder */
function placeOf({ source, format, labels, files }: Data): string {
  const steps = (source.path ?? '').split('/').filter((step) => step !== '' && step !== '.')
  return JSON.stringify([source.claimName, steps, format, labels, files])
}
