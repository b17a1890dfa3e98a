import { CONDITION_TYPES, CONDITIONS, type Condition, type ConditionType } from '../api/conditions.ts'

/** A policy's new value of one condition; mergeConditions adds times and generation. */
export interface ConditionUpdate {
  type: ConditionType
  status: 'True' | 'False' | 'Unknown'
  reason: string
  message: string
}

const MAX_REASON = 128
const MAX_MESSAGE = 1000

export function findCondition(conditions: readonly Condition[] | undefined, type: ConditionType) {
  return conditions?.find((condition) => condition.type === type)
}

export function isTrue(conditions: readonly Condition[] | undefined, type: ConditionType): boolean {
  return findCondition(conditions, type)?.status === 'True'
}

/** Applies updates to the previous conditions. lastTransitionTime changes only with the status. */
export function mergeConditions(
  previous: readonly Condition[],
  updates: readonly ConditionUpdate[],
  facts: { nowMs: number; observedGeneration: number },
): Condition[] {
  const merged = new Map(previous.map((condition) => [condition.type, condition]))
  for (const update of updates) {
    const before = merged.get(update.type)
    if (!before && update.status !== 'True' && !CONDITIONS[update.type].alwaysShown) continue
    merged.set(update.type, {
      type: update.type,
      status: update.status,
      // The reason may come from the termination message of a custom image and be of any length.
      reason: update.reason.slice(0, MAX_REASON),
      message: cut(update.message),
      lastTransitionTime:
        before?.status === update.status ? before.lastTransitionTime : new Date(facts.nowMs).toISOString(),
      observedGeneration: facts.observedGeneration,
    })
  }
  return CONDITION_TYPES.flatMap((type) => merged.get(type) ?? [])
}

function cut(message: string): string {
  return message.length <= MAX_MESSAGE ? message : `${message.slice(0, MAX_MESSAGE - 1)}…`
}
