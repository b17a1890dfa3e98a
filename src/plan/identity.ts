/** The metadata by which every object of a job is found and garbage-collected. */
import type { Job } from '../api/job.ts'
import { API_VERSION, LABELS } from '../contract/names.ts'
import type { OwnerReference } from '../support/object-meta.ts'

export function jobLabels(job: Job): Record<string, string> {
  return {
    [LABELS.managedBy]: 'downpour',
    [LABELS.jobKind]: job.kind,
    [LABELS.jobName]: job.metadata.name,
    [LABELS.jobUid]: job.metadata.uid,
  }
}

export function ownerReference(job: Job): Required<OwnerReference> {
  const { name, uid } = job.metadata
  return { apiVersion: API_VERSION, kind: job.kind, name, uid, controller: true, blockOwnerDeletion: true }
}
