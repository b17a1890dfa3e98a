/** Names that the operator writes and other programs read: labels, roles, computed names of objects. */
export const GROUP = 'downpour.dev'
export const VERSION = 'v1alpha1'
export const API_VERSION = `${GROUP}/${VERSION}`

export type JobKind = 'PretrainJob' | 'FinetuneJob'
export const JOB_KINDS: readonly JobKind[] = ['PretrainJob', 'FinetuneJob']
export const PLURALS: Readonly<Record<JobKind, string>> = { PretrainJob: 'pretrainjobs', FinetuneJob: 'finetunejobs' }

export type Role = 'ps' | 'worker' | 'evaluator'
export const ROLES: readonly Role[] = ['ps', 'worker', 'evaluator']

export const LABELS = {
  managedBy: 'app.kubernetes.io/managed-by',
  jobKind: `${GROUP}/job-kind`,
  jobName: `${GROUP}/job-name`,
  jobUid: `${GROUP}/job-uid`,
  role: `${GROUP}/role`,
  index: `${GROUP}/index`,
  /** How many pods had this role and index before this pod. */
  attempt: `${GROUP}/attempt`,
  /** The generation of parameter servers; the operator deletes a parameter server with a lower number than the job's. */
  generation: `${GROUP}/generation`,
} as const

export const ANNOTATIONS = {
  /** On a PersistentVolumeClaim, local mode only: the folder of this machine that replaces the volume. */
  localPath: `local.${GROUP}/path`,
  /** On a PersistentVolumeClaim, local mode only: the data set to generate in that folder, such as `jft-mini seed=0`. */
  localMake: `local.${GROUP}/make`,
  /** On a job that `downpour run` has suspended until its turn comes: why. */
  localTurn: `local.${GROUP}/turn`,
  /** On a pod: digest of the plan that it was created from. A different digest means that the spec has changed since. */
  planHash: `${GROUP}/plan-hash`,
  /** On a pod: earlier failures of this role and index that count against backoffLimit. */
  failures: `${GROUP}/failures`,
  /** On a PretrainJob: names of the FinetuneJobs that it has created, comma-separated. A deleted one is not created again. */
  transfersMade: `${GROUP}/transfers-made`,
} as const

/** The annotation in which kubectl stores a copy of the object that it applied last. */
export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

/** Part of the names of objects, and the short name for kubectl. */
export const SHORT_NAMES: Readonly<Record<JobKind, string>> = { PretrainJob: 'pj', FinetuneJob: 'fj' }

/**
 * The prefix of the names of a job's objects. It contains the kind, because a PretrainJob and a FinetuneJob may have the
 * same name.
 * @example jobPrefix('PretrainJob', 'jft') === 'jft-pj'
 */
export function jobPrefix(kind: JobKind, jobName: string): string {
  return `${jobName}-${SHORT_NAMES[kind]}`
}

/** @example podName('PretrainJob', 'jft', 'worker', 17) === 'jft-pj-worker-17' */
export function podName(kind: JobKind, jobName: string, role: Role, index: number): string {
  return `${jobPrefix(kind, jobName)}-${role}-${index}`
}

/** The headless service of a job, and the `subdomain` of its parameter servers. */
export function serviceName(kind: JobKind, jobName: string): string {
  return jobPrefix(kind, jobName)
}

/** The DNS name of a parameter server inside the cluster. */
export function psHost(kind: JobKind, jobName: string, namespace: string, index: number): string {
  return `${podName(kind, jobName, 'ps', index)}.${serviceName(kind, jobName)}.${namespace}.svc`
}
