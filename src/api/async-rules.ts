/** Rules between the asynchrony policy and the rest of the spec. */
import type { AsyncPolicy } from '../contract/training.ts'
import { filled, hasPath, literal } from './filled.ts'
import type { Rule } from './rule.ts'

const BOTH = ['PretrainJob', 'FinetuneJob'] as const
/** Policies for which it does not matter when a worker pulls. */
const PREFETCHING: readonly AsyncPolicy['type'][] = ['async', 'lrOverStaleness']

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
  {
    kinds: BOTH,
    path: 'spec.async.prefetch',
    message:
      'must be false with boundedDelay and syncBackup, whose workers wait for each other between two steps, and with dcAsgd, which corrects a gradient by the weights that its worker pulled last',
    holds: ({ async: { policy, prefetch } }) => !prefetch || PREFETCHING.includes(policy.type),
    cel: () =>
      `!${hasPath('async.prefetch')} || !self.async.prefetch || !${hasPath('async.policy.type')} || self.async.policy.type in [${PREFETCHING.map(literal).join(', ')}]`,
  },
]
