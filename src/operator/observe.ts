/** Collects the observed state of one job for `decide`, from the stores and from the reports of its pods. */
import { type Job, wantedSource } from '../api/job.ts'
import { ANNOTATIONS, podName, ROLES, serviceName } from '../contract/names.ts'
import type { KubeClient } from '../kube/client.ts'
import { mapLimit } from '../kube/map-limit.ts'
import { controllerUid } from '../kube/objects.ts'
import type { Store } from '../kube/store.ts'
import { headlineMetric } from '../plan/metric.ts'
import { jobKey } from './job-key.ts'
import type { JobReader } from './job-reader.ts'
import type { Observed, PodFacts, SourceFacts, TransferFacts } from './observed.ts'
import { currentPods } from './place-pods.ts'
import type { Planned } from './planned.ts'
import { podFacts } from './pod-facts.ts'
import { writtenEnding } from './policies/ending.ts'
import { type RawPod, trimPod } from './raw-pod.ts'
import type { ReportReader } from './runtime-status.ts'
import type { RawJob, Stores } from './stores.ts'

const ASK_IN_PARALLEL = 10

export interface Sources {
  client: KubeClient
  stores: Stores
  jobs: Pick<JobReader, 'read'>
  reports: ReportReader
  /** Requeues a job. */
  wake: (key: string) => void
}

/** @throws KubeError when a store may lag behind and the API server cannot be asked */
export async function observe(
  job: Job,
  planned: Planned,
  { client, stores, jobs, reports, wake }: Sources,
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
    planHash: planned.state === 'complete' ? planned.hash : '',
    pods,
    service: service && {
      ownerUid: controllerUid(service),
      deleting: service.metadata.deletionTimestamp !== undefined,
    },
    coordinator: answers?.coordinator,
    evaluator: answers?.evaluator,
    source: sourceOf(job, stores.jobs.PretrainJob, jobs),
    pins: pinsOf(job, Object.values(stores.jobs), jobs),
    transfers: planned.transfers.map((transfer) => transferFacts(job, transfer, stores.jobs.FinetuneJob, jobs)),
    transfersMade: (job.metadata.annotations?.[ANNOTATIONS.transfersMade] ?? '').split(',').filter(Boolean),
  }
}

function keyOf({ kind, metadata }: Job): string {
  return jobKey(kind, `${metadata.namespace}/${metadata.name}`)
}

/** The pods of this job by owner, and pods of other owners under names that the job needs. */
function podsOf(job: Job, planned: Planned, store: Store<RawPod>): PodFacts[] {
  const { namespace, name: jobName, uid } = job.metadata
  const ours = store.byIndex('owner', uid).flatMap((pod) => podFacts(pod) ?? [])
  const foreignPods = ROLES.flatMap((role) =>
    Array.from({ length: planned.desired[role] }, (_, index) => {
      const raw = store.get(`${namespace}/${podName(job.kind, jobName, role, index)}`)
      const facts = raw && controllerUid(raw) !== uid ? podFacts(raw) : undefined
      return facts && { ...facts, role, index }
    }),
  ).filter((facts) => facts !== undefined)
  return [...ours, ...foreignPods]
}

/**
 * The status counts a parameter server that the store does not show: either it is lost, or the store lags behind a
 * status that another leader wrote. A lost one restarts all parameter servers, so the API server is asked first.
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

type Jobs = Sources['jobs']

function sourceOf(job: Job, store: Store<RawJob>, jobs: Jobs): SourceFacts | undefined {
  const from = wantedSource(job)
  const raw = from?.type === 'job' && store.get(`${job.metadata.namespace}/${from.pretrainJob}`)
  if (!raw) return undefined
  const parsed = jobs.read(raw)
  const source = parsed.state === 'valid' ? parsed.job : undefined
  return {
    uid: raw.metadata.uid ?? '',
    deleting: raw.metadata.deletionTimestamp !== undefined,
    status: parsed.job.status,
    claimName: source?.spec.checkpoint.storage.volume.claimName,
    metric: source?.spec.evaluation && headlineMetric(source),
  }
}

/** Steps that other jobs start from: the coordinator must not delete their checkpoints. */
function pinsOf(job: Job, stores: readonly Store<RawJob>[], jobs: Jobs): number[] {
  if (job.kind !== 'PretrainJob') return []
  const name = `${job.metadata.namespace}/${job.metadata.name}`
  const followers = stores.flatMap((store) => store.byIndex('source', name))
  const steps = followers.flatMap((raw) => {
    const { status } = jobs.read(raw).job
    const isOpen = status?.source?.uid === job.metadata.uid && !writtenEnding(status) && !raw.metadata.deletionTimestamp
    return isOpen && status.source ? [status.source.step] : []
  })
  return [...new Set(steps)].sort((a, b) => a - b)
}

function transferFacts(
  job: Job,
  { name, step }: Planned['transfers'][number],
  store: Store<RawJob>,
  jobs: Jobs,
): TransferFacts {
  const raw = store.get(`${job.metadata.namespace}/${name}`)
  return {
    name,
    step,
    exists: raw !== undefined && controllerUid(raw) === job.metadata.uid && !raw.metadata.deletionTimestamp,
    ended: raw !== undefined && writtenEnding(jobs.read(raw).job.status) !== undefined,
  }
}
