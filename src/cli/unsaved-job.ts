/** A job of a file, which no API server has stored. */
import type { Job } from '../api/job.ts'
import { parseJob } from '../api/parse.ts'
import type { Manifest } from './manifests.ts'

/** Placeholders for the metadata that an API server sets. */
export const PLACEHOLDER_METADATA = {
  namespace: 'default',
  uid: '00000000-0000-0000-0000-000000000000',
  generation: 1,
  resourceVersion: '0',
  creationTimestamp: '1970-01-01T00:00:00Z',
}

/** @throws DownpourError INVALID_JOB */
export function unsavedJob(object: Manifest['object']): Job {
  return parseJob({ ...object, metadata: { ...PLACEHOLDER_METADATA, ...object.metadata } })
}
