/**
 * Suspends unfinished jobs of previous runs while other files run, and resumes them when their own file runs again.
 * `spec.suspend` is applied by a separate field manager. Giving up that field resumes only jobs that were suspended here,
 * not those that a user has suspended.
 */
import type { Job } from '../../api/job.ts'
import { API_VERSION } from '../../contract/names.ts'
import type { KubeClient } from '../../kube/client.ts'
import type { Waiting } from '../../kube/client-options.ts'
import type { KubeObject } from '../../kube/objects.ts'
import { isUnfinished, jobText } from '../job-text.ts'
import type { Manifest } from '../manifests.ts'
import { jobRef, namespaceOf } from './server-side-apply.ts'

const FIELD_MANAGER = 'downpour-run-rest'

export interface PreviousJobs {
  /** Jobs that this run continues: they are in its files, were created by one of those, or are the source of one. */
  continued: Job[]
  others: Job[]
}

/** @param jobs all stored jobs, before the files are applied */
export function classifyPreviousJobs(jobs: readonly Job[], manifests: readonly Manifest[]): PreviousJobs {
  const unfinished = jobs.filter(isUnfinished)
  const inFiles = new Set(manifests.map(({ object }) => keyOf(object.kind, namespaceOf(object), object.metadata.name)))
  const wanted = new Set([...inFiles, ...manifests.flatMap((manifest) => sourceKeys(manifest, jobs))])
  const named = jobs.filter(({ kind, metadata }) => wanted.has(keyOf(kind, metadata.namespace, metadata.name)))
  const uids = new Set(named.map(({ metadata }) => metadata.uid))
  const isContinued = ({ metadata }: Job) =>
    uids.has(metadata.uid) || (metadata.ownerReferences ?? []).some(({ uid }) => uids.has(uid))
  return { continued: unfinished.filter(isContinued), others: unfinished.filter((job) => !isContinued(job)) }
}

/**
 * Suspends the other jobs, and resumes the continued ones that an earlier run has suspended.
 * @returns lines for the user
 */
export async function suspendAndResumeJobs(
  client: KubeClient,
  { continued, others }: PreviousJobs,
  waiting: Waiting,
): Promise<string[]> {
  const suspended = continued.filter(isSuspendedByRun)
  for (const job of suspended) await applySpec(client, job, {}, waiting)
  for (const job of others.filter(({ spec }) => !spec.suspend))
    await applySpec(client, job, { spec: { suspend: true } }, waiting)
  return [...suspended.map((job) => `${jobText(job)} resumed`), ...describeOthers(others)]
}

function describeOthers(others: readonly Job[]): string[] {
  if (others.length === 0) return []
  const names = others.map(jobText).join(', ')
  const [what, it, file] =
    others.length === 1
      ? ['job of a previous run is', 'it', 'its file']
      : ['jobs of previous runs are', 'them', 'their files']
  return [
    `${others.length} unfinished ${what} suspended: ${names} (to resume ${it}, run ${file} again; --fresh deletes all previous runs)`,
  ]
}

/** A job needs its source job until it has pinned a checkpoint of it. */
function sourceKeys({ object }: Manifest, jobs: readonly Job[]): string[] {
  const namespace = namespaceOf(object)
  const { from } = (object as { spec?: { from?: { pretrainJob?: string } } }).spec ?? {}
  const stored = jobs.find(
    ({ kind, metadata }) =>
      kind === object.kind && metadata.namespace === namespace && metadata.name === object.metadata.name,
  )
  return from?.pretrainJob && !stored?.status?.source ? [keyOf('PretrainJob', namespace, from.pretrainJob)] : []
}

function isSuspendedByRun({ metadata }: Job): boolean {
  const { managedFields = [] } = metadata as { managedFields?: { manager: string }[] }
  return managedFields.some(({ manager }) => manager === FIELD_MANAGER)
}

async function applySpec(client: KubeClient, { kind, metadata }: Job, spec: object, waiting: Waiting): Promise<void> {
  const object: KubeObject = { apiVersion: API_VERSION, kind, metadata: { name: metadata.name }, ...spec }
  await client.apply(jobRef(kind, metadata), object, { ...waiting, fieldManager: FIELD_MANAGER })
}

function keyOf(kind: string, namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`
}
