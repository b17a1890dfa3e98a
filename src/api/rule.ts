import type { JobKind } from '../contract/names.ts'
import type { FinetuneJobSpec } from './finetune-job.ts'
import type { PretrainJobSpec } from './pretrain-job.ts'

/**
 * The fields that rules may read: those of a FinetuneJob, and `transfers` and `evaluation.metric` of a PretrainJob. A rule
 * reads only fields that its kinds have.
 */
export type Spec = Pick<PretrainJobSpec, 'transfers'> &
  FinetuneJobSpec & { evaluation?: Pick<NonNullable<PretrainJobSpec['evaluation']>, 'metric'> }

export interface Rule {
  kinds: readonly JobKind[]
  /** Path below spec of the field that the error names. */
  path: string
  message: string
  /** True if the spec satisfies the rule after the preset and the defaults are applied. */
  holds(spec: Spec): boolean
  /** The same condition in CEL. `self` is the submitted spec; `filled` of filled.ts writes a field after preset and defaults. */
  cel: string | ((kind: JobKind) => string)
}
