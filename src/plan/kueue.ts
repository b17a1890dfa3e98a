/**
 * A job in a queue of Kueue is a group of plain pods: Kueue's webhook puts a scheduling gate and a finalizer on each,
 * counts them, and opens the gates of all when the quota holds them (its tasks/run/plain_pods).
 */
import type { Job } from '../api/job.ts'
import { jobPrefix, LABELS } from '../contract/names.ts'

const DOMAIN = 'kueue.x-k8s.io'
const UID_PREFIX = 8

/** Set by Kueue; it falls when another pod fills the place, which under our names it cannot while the first is there. */
export const KUEUE_FINALIZER = `${DOMAIN}/managed`
/** "false" on one pod of a group: no more replacements, the quota is free once all pods have ended. */
export const RETRIABLE_ANNOTATION = `${DOMAIN}/retriable-in-group`

/** @returns undefined: the job is in no queue of Kueue */
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
      // By rank, where a topology is asked for in the annotations of the templates.
      [`${DOMAIN}/pod-group-pod-index-label`]: LABELS.index,
    },
  }
}

/** Also the name of Kueue's Workload; the uid keeps it apart from that of an earlier job of the same name. */
function groupName({ kind, metadata }: Job): string {
  return `${jobPrefix(kind, metadata.name)}-${metadata.uid.slice(0, UID_PREFIX)}`
}
