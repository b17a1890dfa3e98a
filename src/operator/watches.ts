/** Watches jobs, pods and services, and maps each change to the jobs that must be reconciled. */
import { API_VERSION, JOB_KINDS, type JobKind, LABELS, PLURALS } from '../contract/names.ts'
import type { KubeClient } from '../kube/client.ts'
import { type KubeObject, objectKey } from '../kube/objects.ts'
import { type Change, Reflector } from '../kube/reflector.ts'
import { indexByOwnerUid, joinStores, type Store } from '../kube/store.ts'
import type { Log } from '../support/log.ts'
import { jobKey, parseJobKey } from './job-key.ts'
import { isStartingNormally } from './pod-facts.ts'
import { type RawPod, trimPod } from './raw-pod.ts'
import type { RawJob, Stores } from './stores.ts'
import { isCountOwned } from './worker-count.ts'

export interface Watches {
  stores: Stores
  reflectors: readonly {
    resource: string
    reflector: Pick<Reflector, 'start' | 'stop' | 'synced' | 'stats' | 'silentMs'>
  }[]
}

export interface WatchOptions {
  client: KubeClient
  /** Empty: all namespaces. */
  namespaces: readonly string[]
  log: Log
  onJob: (key: string) => void
  /** An object of a job has changed; many such changes arrive together. */
  onOwned: (key: string) => void
  /** An object of a job starts normally: only the status must be updated. */
  onStarting: (key: string) => void
  /** Called in addition to onJob when a job is gone. */
  onGone: (key: string) => void
}

type ScopeOptions = Omit<WatchOptions, 'namespaces'> & { namespace: string | undefined }

/**
 * The caller starts the reflectors. A job and its objects share a namespace, so each namespace is watched separately.
 */
export function createWatches({ namespaces, ...options }: WatchOptions): Watches {
  const [first, ...others] = namespaces
  const watch = (namespace: string | undefined) => watchScope({ ...options, namespace })
  if (others.length === 0) return watch(first)
  const scopes = namespaces.map((namespace) => ({ namespace, ...watch(namespace) }))
  const join = <T extends KubeObject>(pick: (stores: Stores) => Store<T>) =>
    joinStores(scopes.map(({ stores }) => pick(stores)))
  return {
    stores: {
      jobs: {
        PretrainJob: join(({ jobs }) => jobs.PretrainJob),
        FinetuneJob: join(({ jobs }) => jobs.FinetuneJob),
      },
      pods: join(({ pods }) => pods),
      services: join(({ services }) => services),
    },
    reflectors: scopes.flatMap(({ namespace, reflectors }) =>
      reflectors.map(({ resource, reflector }) => ({ resource: `${namespace}/${resource}`, reflector })),
    ),
  }
}

/** A label selector limits pods and services to those of jobs. */
function watchScope({ client, namespace, log, onJob, onOwned, onStarting, onGone }: ScopeOptions): Watches {
  const common = { client, log }
  const jobs = Object.fromEntries(JOB_KINDS.map((kind) => [kind, watchJobs(kind)])) as Record<
    JobKind,
    Reflector<RawJob>
  >
  const ofJobs = {
    labelSelector: LABELS.jobUid,
    keysOf: keysByLabel,
    indexers: { owner: indexByOwnerUid, job: keysByLabel },
  }
  const pods = new Reflector<RawPod>({
    ...common,
    ...ofJobs,
    resource: { apiVersion: 'v1', plural: 'pods', namespace },
    trim: trimPod,
    onKey: (key, { type, object }) => (type !== 'deleted' && isStartingNormally(object) ? onStarting : onOwned)(key),
  })
  const services = new Reflector({
    ...common,
    ...ofJobs,
    resource: { apiVersion: 'v1', plural: 'services', namespace },
    onKey: (key, { type }) => (type === 'added' ? onStarting : onOwned)(key),
  })

  function watchJobs(kind: JobKind): Reflector<RawJob> {
    const own = (job: RawJob) => jobKey(kind, objectKey(job))
    const dependents = (job: RawJob) =>
      kind === 'PretrainJob' ? JOB_KINDS.flatMap((other) => keysOfDependents(job, other, jobs[other].store)) : []
    const keysOf = (job: RawJob) => [own(job), ...dependents(job), ...keysOfSources(job)]
    const onKey = (key: string, change: Change<RawJob>) => {
      onJob(key)
      if (change.type === 'deleted' && parseJobKey(key).kind === kind) onGone(key)
    }
    return new Reflector<RawJob>({
      client,
      log,
      resource: { apiVersion: API_VERSION, plural: PLURALS[kind], namespace },
      onKey,
      keysOf,
      trim: (job) => withKind(kind, job),
      indexers: { source: indexBySource },
    })
  }

  const reflectors = { ...jobs, pods, services }
  return {
    stores: {
      jobs: { PretrainJob: jobs.PretrainJob.store, FinetuneJob: jobs.FinetuneJob.store },
      pods: pods.store,
      services: services.store,
    },
    reflectors: Object.entries(reflectors).map(([resource, reflector]) => ({ resource, reflector })),
  }
}

function keysByLabel(object: KubeObject): string[] {
  const { labels = {}, namespace } = object.metadata
  const [kind, name] = [labels[LABELS.jobKind], labels[LABELS.jobName]]
  return JOB_KINDS.includes(kind as JobKind) && name ? [jobKey(kind as JobKind, `${namespace}/${name}`)] : []
}

/** Jobs that start from this PretrainJob: its progress is what they wait for. */
function keysOfDependents(job: RawJob, kind: JobKind, store: Store<RawJob>): string[] {
  return store.byIndex('source', objectKey(job)).map((other) => jobKey(kind, objectKey(other)))
}

/** The PretrainJob that made this FinetuneJob, and the one whose checkpoint this job starts from. */
function keysOfSources(job: RawJob): string[] {
  const owners = (job.metadata.ownerReferences ?? []).filter(({ kind }) => kind === 'PretrainJob')
  const keys = [...owners.map(({ name }) => `${job.metadata.namespace}/${name}`), ...indexBySource(job)]
  return [...new Set(keys)].map((key) => jobKey('PretrainJob', key))
}

function indexBySource(job: RawJob): string[] {
  const from = (job.spec as { from?: { pretrainJob?: unknown } } | undefined)?.from
  return typeof from?.pretrainJob === 'string' ? [`${job.metadata.namespace}/${from.pretrainJob}`] : []
}

/**
 * Watch events carry the kind, list items may not; managedFields are long, and kept only if the operator still owns a
 * field.
 */
function withKind(kind: JobKind, job: RawJob): RawJob {
  const { managedFields, ...rest } = job.metadata
  const metadata = isCountOwned(job) ? job.metadata : rest
  return { ...job, apiVersion: API_VERSION, kind, metadata }
}
