/** What a job says about itself on the real API server. */
import assert from 'node:assert/strict'
import type { JobStatus } from '../../src/api/status.ts'
import { API_VERSION, PLURALS } from '../../src/contract/names.ts'
import type { KubeObject } from '../../src/kube/objects.ts'
import { eventually } from '../support/eventually.ts'
import type { TestNamespace } from './fixture.ts'

/** A person who looks at the job after this long finds the reason. */
const SOON = { timeoutMs: 10_000, intervalMs: 50 }
/** Refusals are tried again after 10 s, a list that was refused after 30 s at the latest; then pods are made and start. */
const RECOVERED = { timeoutMs: 30_000 + 15_000, intervalMs: 100 }

/** @example 'False QuotaExceeded: pods "jft-pj-worker-1" is forbidden: ...' */
async function verdict(namespace: TestNamespace, job: string, type: string): Promise<string> {
  const found = (await statusOf(namespace, job))?.conditions.find((condition) => condition.type === type)
  return found ? `${found.status} ${found.reason}: ${found.message}` : 'absent'
}

async function statusOf(namespace: TestNamespace, name: string): Promise<JobStatus | undefined> {
  const ref = { apiVersion: API_VERSION, plural: PLURALS.PretrainJob, namespace: namespace.name, name }
  return (await namespace.client.get<KubeObject & { status?: JobStatus }>(ref)).status
}

/** @returns the whole condition */
export async function says(namespace: TestNamespace, job: string, type: string, words: RegExp): Promise<string> {
  let said = ''
  await eventually(async () => {
    said = await verdict(namespace, job, type)
    assert.match(said, words)
  }, SOON)
  return said
}

/** By itself, without a change of the job. */
export async function recovers(namespace: TestNamespace, job: string): Promise<void> {
  await eventually(async () => {
    const status = await statusOf(namespace, job)
    assert.equal(status?.phase, 'Running', JSON.stringify(status?.conditions))
    assert.equal(
      await verdict(namespace, job, 'Created'),
      `True AllCreated: ${podsOf(status)} of ${podsOf(status)} pods exist`,
    )
  }, RECOVERED)
}

function podsOf({ replicas }: JobStatus): number {
  return Object.values(replicas).reduce((sum, { desired }) => sum + desired, 0)
}
