/**
 * A job in a Kueue queue is a group of plain pods: Kueue's webhook adds a scheduling gate and a finalizer to each,
 * counts them, and removes all gates when the quota suffices (see tasks/run/plain_pods in Kueue's documentation).
 */
import type { Job } from '../api/job.ts'
import { jobPrefix, LABELS } from '../contract/names.ts'

const DOMAIN = 'kueue.x-k8s.io'
const UID_PREFIX = 8

/**
 * Kueue removes it when a replacement exists, which cannot be created under the same name while the first pod exists.
 */
export const KUEUE_FINALIZER = `${DOMAIN}/managed`
/** "false" on one pod of a group: no replacements follow, so the quota is free when all pods have ended. */
export const RETRIABLE_ANNOTATION = `${DOMAIN}/retriable-in-group`

/** @returns undefined when the job is in no Kueue queue */
export function kueueQueueOf({ spec }: Pick<Job, 'spec'>): string | undefined {
  return spec.scheduling?.gang === 'volcano' ? undefined : spec.scheduling?.queueName
}

export function kueueMetadata(job: Job, totalCount: number) {
  const queue = kueueQueueOf(job)
  if (queue === undefined) return { labels: {}, annotations: {} }
  return {
    labels: { [`${DOMAIN}/queue-name`]: queue, [`${DOMAIN}/pod-group-name`]: groupName(job) },
    annotations: {
      [`${DOMAIN}/pod-group-total-count`]: String(totalCount),
      // Orders pods by rank, if annotations of the templates request a topology.
      [`${DOMAIN}/pod-group-pod-index-label`]: LABELS.index,
    },
  }
}

/** Also the name of Kueue's Workload; the uid distinguishes it from that of an earlier job of the same name. */
function groupName({ kind, metadata }: Job): string {
  return `${jobPrefix(kind, metadata.name)}-${metadata.uid.slice(0, UID_PREFIX)}`
}
