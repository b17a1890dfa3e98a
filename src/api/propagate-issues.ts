import type { Issue } from './issue.ts'
import type { Job } from './job.ts'
import { bytesOf, MAX_ANNOTATION_BYTES } from './pod-labels.ts'
import { propagatedOf } from './propagate.ts'

/** Reserved for annotations that the operator adds to each pod. */
const OURS_BYTES = 4096

/** Checks that the propagated annotations and those of a template together fit into a pod. The job must be valid otherwise. */
export function propagationIssues(job: Job): Issue[] {
  const { parameterServer, workers, evaluator } = job.spec
  const own = propagatedOf(job).annotations
  const most = MAX_ANNOTATION_BYTES - OURS_BYTES
  const expected = `at most ${most} bytes of annotations together with those of a template`
  return [parameterServer, workers, evaluator]
    .map(({ template }) => bytesOf({ ...own, ...template?.annotations }))
    .filter((bytes) => bytes > most)
    .slice(0, 1)
    .map((value) => ({ path: 'spec.propagate.annotations', value, expected, message: `bytes: expected ${expected}` }))
}
