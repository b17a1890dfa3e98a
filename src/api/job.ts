import type { JobKind } from '../contract/names.ts'
import type { StoredMeta } from '../support/object-meta.ts'
import type { FinetuneJobSpec } from './finetune-job.ts'
import { type Source, sourceOf } from './from.ts'
import type { PretrainJobSpec } from './pretrain-job.ts'
import type { JobStatus } from './status.ts'

/** A parsed job: preset and defaults are filled in, and its types can be trusted. */
export type Job =
  | { kind: 'PretrainJob'; metadata: StoredMeta; spec: PretrainJobSpec; status?: JobStatus }
  | { kind: 'FinetuneJob'; metadata: StoredMeta; spec: FinetuneJobSpec; status?: JobStatus }

export type JobOfKind<K extends JobKind> = Extract<Job, { kind: K }>

/** The checkpoint that the first weights come from; undefined: they are random. */
export function wantedSource({ kind, spec }: Job): Source | undefined {
  const isRandom = kind === 'FinetuneJob' && spec.init === 'random'
  return spec.from && !isRandom ? sourceOf(spec.from) : undefined
}
