/** Helpers that several verbs use for a job. */
import type { Job } from '../api/job.ts'

/** @example 'PretrainJob/jft' */
export function jobText({ kind, metadata }: Pick<Job, 'kind' | 'metadata'>): string {
  return `${kind}/${metadata.name}`
}

export function isUnfinished({ status }: Pick<Job, 'status'>): boolean {
  return status?.phase !== 'Succeeded' && status?.phase !== 'Failed'
}
