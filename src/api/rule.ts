import type { JobKind } from '../contract/names.ts'
import type { FinetuneJobSpec } from './finetune-job.ts'
import type { PretrainJobSpec } from './pretrain-job.ts'

/** The fields of both kinds; a rule reads only those of the kinds it is for. */
export type Spec = Pick<PretrainJobSpec, 'transfers'> &
  FinetuneJobSpec & { evaluation?: Pick<NonNullable<PretrainJobSpec['evaluation']>, 'metric'> }

export interface Rule {
  kinds: readonly JobKind[]
  /** Where the message points. */
  path: string
  message: string
  /** True when the spec, after presets and defaults, obeys. */
  holds(spec: Spec): boolean
  /** The same over what the user wrote: `self` is the spec. What a preset fills in, `filled` says. */
  cel: string | ((kind: JobKind) => string)
}
