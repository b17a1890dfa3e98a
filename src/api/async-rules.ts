/** Rules between the asynchrony policy and the rest of the spec. */
import { filled, hasPath } from './filled.ts'
import type { Rule } from './rule.ts'

const BOTH = ['PretrainJob', 'FinetuneJob'] as const

export const ASYNC_RULES: readonly Rule[] = [
  {
    kinds: BOTH,
    path: 'spec.async.policy.backups',
    message: 'must be smaller than workers.replicas: an update needs a gradient',
    holds: ({ async: { policy }, workers }) => policy.type !== 'syncBackup' || policy.backups < workers.replicas,
    cel: (kind) =>
      `!${hasPath('async.policy.backups')} || self.async.policy.backups < ${filled(kind, 'workers.replicas', 1)}`,
  },
  {
    kinds: BOTH,
    path: 'spec.async.fetchEvery',
    message: 'must not be larger than pushEvery with syncBackup, whose workers pull after each push',
    holds: ({ async: { policy, fetchEvery, pushEvery } }) => policy.type !== 'syncBackup' || fetchEvery <= pushEvery,
    cel: (kind) =>
      `!${hasPath('async.policy.type')} || self.async.policy.type != 'syncBackup' || ${filled(kind, 'async.fetchEvery', 1)} <= ${filled(kind, 'async.pushEvery', 1)}`,
  },
]
