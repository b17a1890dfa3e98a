/** Gathers what `decide` may know about one job, from the watches' copies and from the job's own pods. */
import { type Job, wantedSource } from '../api/job.ts'
import { parseJob } from '../api/parse.ts'
import { JobStatus } from '../api/status.ts'
import { ANNOTATIONS, type JobKind, podName, ROLES, serviceName } from '../contract/names.ts'
import type { KubeClient } from '../kube/client.ts'
import { mapLimit } from '../kube/map-limit.ts'
import { controllerUid, type KubeObject } from '../kube/objects.ts'
import type { Store } from '../kube/store.ts'
import { headlineMetric } from '../plan/metric.ts'
import type { Observed, PodFacts, SourceFacts, TransferFacts } from './observed.ts'
import { currentPods } from './place-pods.ts'
import type { Planned } from './planned.ts'
import { podFacts } from './pod-facts.ts'
import { writtenEnding } from './policies/ending.ts'
import { type RawPod, trimPod } from './raw-pod.ts'
import type { ReportReader } from './runtime-status.ts'
import { jobKey } from './watches.ts'

const ASK_IN_PARALLEL = 10

export type RawJob = KubeObject & { spec?: unknown; status?: unknown }

export interface Stores {
  jobs: Readonly<Record<JobKind, Store<RawJob>>>
  /** With index `owner` by controller uid, and `job` by the key of the job on their labels. */
  pods: Store<RawPod>
  services: Store<KubeObject>
}

export interface Sources {
  client: KubeClient
  stores: Stores
  reports: ReportReader
  /** Has a job looked at again. */
  wake: (key: string) => void
}

/** @throws KubeError when a copy is in doubt and the API server cannot be asked */
export async function observe(
  job: Job,
  planned: Planned,
  { client, stores, reports, wake }: Sources,
  signal: AbortSignal,
): Promise<Observed> {
  const copies = podsOf(job, planned, stores.pods)
  const pods = [...copies, ...(await findUnseen(job, planned, copies, client, signal))]
  const answers = writtenEnding(job.status)
    ? undefined
    : reports.read(currentPods(job, pods), signal, () => wake(keyOf(job)))
  const service = stores.services.get(`${job.metadata.namespace}/${serviceName(job.kind, job.metadata.name)}`)
  return {
    desired: planned.desired,
    planHash: planned.hash,
    pods,
    service: service && {
      ownerUid: controllerUid(service),
      deleting: service.metadata.deletionTimestamp !== undefined,
    },
    coordinator: answers?.coordinator,
    evaluator: answers?.evaluator,
    source: sourceOf(job, stores.jobs.PretrainJob),
    pins: pinsOf(job, Object.values(stores.jobs)),
    transfers: planned.transfers.map((transfer) => transferFacts(job, transfer, stores.jobs.FinetuneJob)),
    transfersMade: (job.metadata.annotations?.[ANNOTATIONS.transfersMade] ?? '').split(',').filter(Boolean),
  }
}

function keyOf({ kind, metadata }: Job): string {
  return jobKey(kind, `${metadata.namespace}/${metadata.name}`)
}

/** Ours by owner, and whoever else holds a name that we would use. */
function podsOf(job: Job, planned: Planned, store: Store<RawPod>): PodFacts[] {
  const { namespace, name: jobName, uid } = job.metadata
  const ours = store.byIndex('owner', uid).flatMap((pod) => podFacts(pod) ?? [])
  const strangers = ROLES.flatMap((role) =>
    Array.from({ length: planned.desired[role] }, (_, index) => {
      const raw = store.get(`${namespace}/${podName(job.kind, jobName, role, index)}`)
      const facts = raw && controllerUid(raw) !== uid ? podFacts(raw) : undefined
      return facts && { ...facts, role, index }
    }),
  ).filter((facts) => facts !== undefined)
  return [...ours, ...strangers]
}

/**
 * A parameter server that the status knows and our copies do not may be lost, or our copies may lag behind the status,
 * which another leader wrote. All parameter servers restart for a lost one, so the API server is asked first.
 */
async function findUnseen(
  job: Job,
  planned: Planned,
  copies: readonly PodFacts[],
  client: KubeClient,
  signal: AbortSignal,
): Promise<PodFacts[]> {
  if (!job.status || job.status.replicas.ps.ready === 0 || job.spec.suspend || writtenEnding(job.status)) return []
  const { namespace, name: jobName } = job.metadata
  const unseen = Array.from({ length: planned.desired.ps }, (_, index) =>
    podName(job.kind, jobName, 'ps', index),
  ).filter((name) => !copies.some((pod) => pod.name === name))
  const { values, errors } = await mapLimit(unseen, ASK_IN_PARALLEL, (name) =>
    client.find<RawPod>({ apiVersion: 'v1', plural: 'pods', namespace, name }, { signal }),
  )
  if (errors[0]) throw errors[0].error
  return values.flatMap((pod) => (pod && podFacts(trimPod(pod))) ?? [])
}

function sourceOf(job: Job, store: Store<RawJob>): SourceFacts | undefined {
  const from = wantedSource(job)
  const raw = from && store.get(`${job.metadata.namespace}/${from.pretrainJob}`)
  if (!raw) return undefined
  const source = readJob(raw)
  return {
    uid: raw.metadata.uid ?? '',
    deleting: raw.metadata.deletionTimestamp !== undefined,
    status: readStatus(raw),
    claimName: source?.spec.checkpoint.storage.volume.claimName,
    metric: source?.spec.evaluation && headlineMetric(source),
  }
}

/** Its own purge must not take away what another job is about to read. */
function pinsOf(job: Job, jobs: readonly Store<RawJob>[]): number[] {
  if (job.kind !== 'PretrainJob') return []
  const followers = jobs.flatMap((store) => store.byIndex('source', `${job.metadata.namespace}/${job.metadata.name}`))
  const steps = followers.flatMap((raw) => {
    const status = readStatus(raw)
    const isOpen = status?.source?.uid === job.metadata.uid && !writtenEnding(status) && !raw.metadata.deletionTimestamp
    return isOpen && status.source ? [status.source.step] : []
  })
  return [...new Set(steps)].sort((a, b) => a - b)
}

/** Undefined: its spec is invalid. */
function readJob(raw: RawJob): Job | undefined {
  try {
    return parseJob(raw)
  } catch {
    return undefined
  }
}

function transferFacts(job: Job, { name, step }: Planned['transfers'][number], store: Store<RawJob>): TransferFacts {
  const raw = store.get(`${job.metadata.namespace}/${name}`)
  return {
    name,
    step,
    exists: raw !== undefined && controllerUid(raw) === job.metadata.uid && !raw.metadata.deletionTimestamp,
    ended: raw !== undefined && writtenEnding(readStatus(raw)) !== undefined,
  }
}

/** Undefined also when somebody else wrote it: then it is made anew. */
export function readStatus(raw: RawJob): JobStatus | undefined {
  const parsed = JobStatus.safeParse(raw.status)
  return parsed.success ? parsed.data : undefined
}
