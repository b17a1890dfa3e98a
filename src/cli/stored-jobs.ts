/** Reads the jobs that an API server stores. */
import type { Job } from '../api/job.ts'
import { parseJob } from '../api/parse.ts'
import { API_VERSION, type JobKind, PLURALS } from '../contract/names.ts'
import type { KubeClient } from '../kube/client.ts'
import type { Waiting } from '../kube/client-options.ts'
import type { KubeObject } from '../kube/objects.ts'

/**
 * Lists PretrainJobs first: if a listed PretrainJob has created a FinetuneJob, the second list has it unless it was deleted.
 * @param namespace absent: all
 */
export async function listJobs(client: KubeClient, options: Waiting, namespace?: string): Promise<Job[]> {
  return [
    ...(await listKind(client, 'PretrainJob', options, namespace)),
    ...(await listKind(client, 'FinetuneJob', options, namespace)),
  ]
}

async function listKind(client: KubeClient, kind: JobKind, options: Waiting, namespace?: string): Promise<Job[]> {
  const where = { apiVersion: API_VERSION, plural: PLURALS[kind], ...(namespace !== undefined && { namespace }) }
  const { items } = await client.list<KubeObject & { status?: unknown }>(where, options)
  return items.flatMap((raw) => {
    const job = readableJob(raw)
    return job ? [{ ...job, ...(raw.status ? { status: raw.status } : {}) } as Job] : []
  })
}

/** @returns undefined if the job is invalid, as one stored by an earlier version may be. The operator sets it to Failed. */
function readableJob(raw: KubeObject): Job | undefined {
  try {
    return parseJob(raw)
  } catch {
    return undefined
  }
}

/** Of jobs created in the same second, PretrainJobs come first. */
export function byCreation(a: Job, b: Job): number {
  return (
    a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp) ||
    b.kind.localeCompare(a.kind) ||
    a.metadata.name.localeCompare(b.metadata.name)
  )
}
