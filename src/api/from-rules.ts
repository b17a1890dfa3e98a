/** Rules about `spec.from`, each in zod's terms and in CEL. */
import type { From } from './from.ts'
import type { Issue } from './issue.ts'
import type { Rule } from './rule.ts'
import type { Validation } from './schema.ts'

const BOTH = ['PretrainJob', 'FinetuneJob'] as const
const FINETUNE = ['FinetuneJob'] as const

export const FROM_RULES: readonly Rule[] = [
  {
    kinds: FINETUNE,
    path: 'spec.from',
    message: 'is required unless init is random',
    holds: ({ from, init }) => from !== undefined || init === 'random',
    cel: "has(self.from) || (has(self.init) && self.init == 'random')",
  },
  {
    kinds: FINETUNE,
    path: 'spec.from',
    message: 'cannot be given together with init: random, which uses no checkpoint',
    holds: ({ from, init }) => from === undefined || init !== 'random',
    cel: "!has(self.from) || !has(self.init) || self.init != 'random'",
  },
  {
    kinds: BOTH,
    path: 'spec.from',
    message: 'must have either pretrainJob, the name of a job, or volume, the place of a checkpoint',
    holds: ({ from }) => !from || (from.pretrainJob === undefined) !== (from.volume === undefined),
    cel: '!has(self.from) || has(self.from.pretrainJob) != has(self.from.volume)',
  },
  {
    kinds: BOTH,
    path: 'spec.from',
    message: 'cannot have checkpoint or step together with volume: volume.path can name the folder of one checkpoint',
    holds: ({ from }) => !from?.volume || (from.checkpoint === undefined && from.step === undefined),
    cel: '!has(self.from) || !has(self.from.volume) || !(has(self.from.checkpoint) || has(self.from.step))',
  },
  {
    kinds: BOTH,
    path: 'spec.from.step',
    message: 'must be given exactly when checkpoint is step',
    holds: ({ from }) => !from || (from.checkpoint === 'step') === (from.step !== undefined),
    cel: "!has(self.from) || (has(self.from.checkpoint) && self.from.checkpoint == 'step') == has(self.from.step)",
  },
]

const OWN_SOURCE = 'must name another PretrainJob'

/** Refuses a PretrainJob that would wait for itself. */
export function ownSourceIssues(jobName: string, { from }: { from?: From | undefined }): Issue[] {
  if (!from || from.pretrainJob !== jobName) return []
  return [{ path: 'spec.from.pretrainJob', value: jobName, expected: OWN_SOURCE, message: OWN_SOURCE }]
}

/** The same in CEL, as a rule of the whole job. */
export function ownSourceValidation(): Validation {
  return {
    rule: '!has(self.spec.from) || !has(self.spec.from.pretrainJob) || self.spec.from.pretrainJob != self.metadata.name',
    message: OWN_SOURCE,
    fieldPath: '.spec.from.pretrainJob',
  }
}
