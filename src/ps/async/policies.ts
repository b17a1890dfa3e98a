import type { AsyncPolicy as Settings } from '../../contract/training.ts'
import { async } from './async.ts'
import { boundedDelay } from './bounded-delay.ts'
import { dcAsgd } from './dc-asgd.ts'
import { lrOverStaleness } from './lr-over-staleness.ts'
import type { Policy, PolicyKind, PolicyPlace, PolicyShard, PolicyType } from './policy.ts'
import { syncBackup } from './sync-backup.ts'

/** Every policy that a job can name; tools/build-kernels.ts compiles their kernels. */
export const POLICIES: { readonly [Type in PolicyType]: PolicyKind<Type> } = {
  async,
  lrOverStaleness,
  dcAsgd,
  boundedDelay,
  syncBackup,
}

export function needsScratch({ type }: Settings): boolean {
  return POLICIES[type].needsScratch === true
}

export function createPolicy(settings: Settings, shard: PolicyShard, place: PolicyPlace): Policy {
  return (POLICIES[settings.type] as PolicyKind).create(settings, shard, place)
}
