import type { JobKind } from '../contract/names.ts'
import type { FinetuneJobSpec } from './finetune-job.ts'
import type { PretrainJobSpec } from './pretrain-job.ts'

/** The fields of both kinds. A rule reads only fields of its kinds. */
export type Spec = Pick<PretrainJobSpec, 'transfers'> &
  FinetuneJobSpec & { evaluation?: Pick<NonNullable<PretrainJobSpec['evaluation']>, 'metric'> }

export interface Rule {
  kinds: readonly JobKind[]
  /** The field of the message. */
  path: string
  message: string
  /** True if the spec, with preset and defaults, satisfies the rule. */
  holds(spec: Spec): boolean
  /** The same in CEL. `self` is the spec as its author wrote it; `filled` adds preset and defaults. */
  cel: string | ((kind: JobKind) => string)
}
