/** The jobs that an API server has, as their kinds describe them. */
import type { Job } from '../api/job.ts'
import { parseJob } from '../api/parse.ts'
import { API_VERSION, type JobKind, PLURALS } from '../contract/names.ts'
import type { KubeClient } from '../kube/client.ts'
import type { Waiting } from '../kube/client-options.ts'
import type { KubeObject } from '../kube/objects.ts'

/**
 * PretrainJobs first: a FinetuneJob that a PretrainJob of this list says it created is in the later list, or is deleted.
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

/** A job that an earlier version stored may be invalid by now: the operator fails it and says so in its conditions. */
function readableJob(raw: KubeObject): Job | undefined {
  try {
    return parseJob(raw)
  } catch {
    return undefined
  }
}

export function byCreation(a: Job, b: Job): number {
  return (
    a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp) ||
    a.metadata.name.localeCompare(b.metadata.name)
  )
}
