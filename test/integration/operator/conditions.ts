import assert from 'node:assert/strict'
import type { JobStatus } from '../../../src/api/status.ts'
import { findCondition } from '../../../src/operator/conditions.ts'
import { eventually } from '../../support/eventually.ts'
import type { TestNamespace } from './harness.ts'

export type ConditionType = JobStatus['conditions'][number]['type']

/** @example conditionOf(status, 'Failed') === 'True BAD_DATA: ...' */
function conditionOf(status: JobStatus | undefined, type: ConditionType): string {
  const found = status && findCondition(status.conditions, type)
  return found ? `${found.status} ${found.reason}: ${found.message}` : 'absent'
}

/** Waits until the condition of PretrainJob `jft`, as `conditionOf` prints it, matches. */
export async function untilCondition(cluster: TestNamespace, type: ConditionType, expected: RegExp): Promise<void> {
  await eventually(async () => assert.match(conditionOf(await cluster.status('PretrainJob', 'jft'), type), expected))
}
