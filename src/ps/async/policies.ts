import type { AsyncPolicy as Settings } from '../../contract/training.ts'
import { async } from './async.ts'
import { dcAsgd } from './dc-asgd.ts'
import { lrOverStaleness } from './lr-over-staleness.ts'
import type { Policy, PolicyKind, PolicyShard, PolicyType } from './policy.ts'

/** Every policy that a job can name; tools/build-kernels.ts compiles their kernels. */
export const POLICIES: { readonly [Type in PolicyType]: PolicyKind<Type> } = { async, lrOverStaleness, dcAsgd }

export function needsScratch({ type }: Settings): boolean {
  return POLICIES[type].needsScratch === true
}

export function createPolicy(settings: Settings, shard: PolicyShard): Policy {
  return (POLICIES[settings.type] as PolicyKind).create(settings, shard)
}
