/** Names that the operator writes and everything else reads: labels, roles, computed object names. */
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
  /** How often this role and index was replaced before this pod: 0 for the first. */
  attempt: `${GROUP}/attempt`,
  /** PS pods: the generation of the parameter server; a lower number than the job's is a leftover to delete. */
  generation: `${GROUP}/generation`,
} as const

export const ANNOTATIONS = {
  /** On a PersistentVolumeClaim, local mode only: the folder of this machine that stands for the claim. */
  localPath: `local.${GROUP}/path`,
  /** On a PersistentVolumeClaim, local mode only: the data set to make in that folder, `jft-mini seed=0`. */
  localMake: `local.${GROUP}/make`,
  /** On a pod: digest of the pod spec the operator rendered, to see drift. */
  planHash: `${GROUP}/plan-hash`,
  /** On a pod: failures of this role and index before it that count against backoffLimit. */
  failures: `${GROUP}/failures`,
  /** On a PretrainJob: names of the FinetuneJobs it has made, comma-separated; one that was deleted is not made again. */
  transfersMade: `${GROUP}/transfers-made`,
} as const

/** In names of objects, and what kubectl takes for the kind. */
export const SHORT_NAMES: Readonly<Record<JobKind, string>> = { PretrainJob: 'pj', FinetuneJob: 'fj' }

/**
 * The prefix of every object of a job. The kind is in it because a PretrainJob and a FinetuneJob may share a name.
 * @example jobPrefix('PretrainJob', 'jft') === 'jft-pj'
 */
export function jobPrefix(kind: JobKind, jobName: string): string {
  return `${jobName}-${SHORT_NAMES[kind]}`
}

/** @example podName('PretrainJob', 'jft', 'worker', 17) === 'jft-pj-worker-17' */
export function podName(kind: JobKind, jobName: string, role: Role, index: number): string {
  return `${jobPrefix(kind, jobName)}-${role}-${index}`
}

/** The headless service of a job; parameter servers have `subdomain` set to it. */
export function serviceName(kind: JobKind, jobName: string): string {
  return jobPrefix(kind, jobName)
}

/** The DNS name under which a parameter server of the job is reached inside the cluster. */
export function psHost(kind: JobKind, jobName: string, namespace: string, index: number): string {
  return `${podName(kind, jobName, 'ps', index)}.${serviceName(kind, jobName)}.${namespace}.svc`
}
