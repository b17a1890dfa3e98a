/** What every program may know of a task: no tensor, no picture, so that the operator loads neither. */
import type { MetricSpec } from '../contract/metrics.ts'

export interface TaskDeclaration {
  readonly type: string
  /** The first is the headline of a job, and what keepBest goes by. */
  readonly metrics: readonly [MetricSpec, ...MetricSpec[]]
}
