/** Waits for conditions of a job on the real API server. */
import assert from 'node:assert/strict'
import type { JobStatus } from '../../src/api/status.ts'
import { API_VERSION, PLURALS } from '../../src/contract/names.ts'
import type { KubeObject } from '../../src/kube/objects.ts'
import { eventually } from '../support/eventually.ts'
import type { TestNamespace } from './fixture.ts'

/** How long a user may have to wait until the job's status has the reason. */
const REPORTED = { timeoutMs: 10_000, intervalMs: 50 }
/** The operator retries refused creates after 10 s and refused lists after at most 30 s; pods then need some seconds to start. */
const RECOVERED = { timeoutMs: 30_000 + 15_000, intervalMs: 100 }

/** @example 'False QuotaExceeded: pods "jft-pj-worker-1" is forbidden: ...' */
async function conditionText(namespace: TestNamespace, job: string, type: string): Promise<string> {
  const found = (await statusOf(namespace, job))?.conditions.find((condition) => condition.type === type)
  return found ? `${found.status} ${found.reason}: ${found.message}` : 'absent'
}

async function statusOf(namespace: TestNamespace, name: string): Promise<JobStatus | undefined> {
  const ref = { apiVersion: API_VERSION, plural: PLURALS.PretrainJob, namespace: namespace.name, name }
  return (await namespace.client.get<KubeObject & { status?: JobStatus }>(ref)).status
}

/** Waits until the condition matches `pattern`. @returns its text */
export async function untilCondition(
  namespace: TestNamespace,
  job: string,
  type: string,
  pattern: RegExp,
): Promise<string> {
  let text = ''
  await eventually(async () => {
    text = await conditionText(namespace, job, type)
    assert.match(text, pattern)
  }, REPORTED)
  return text
}

/** Waits until the job runs with all its pods; it must recover without a change of the job. */
export async function untilRunning(namespace: TestNamespace, job: string): Promise<void> {
  await eventually(async () => {
    const status = await statusOf(namespace, job)
    assert.equal(status?.phase, 'Running', JSON.stringify(status?.conditions))
    assert.equal(
      await conditionText(namespace, job, 'Created'),
      `True AllCreated: ${podsOf(status)} of ${podsOf(status)} pods exist`,
    )
  }, RECOVERED)
}

function podsOf({ replicas }: JobStatus): number {
  return Object.values(replicas).reduce((sum, { desired }) => sum + desired, 0)
}
