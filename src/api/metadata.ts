/** The metadata of a job, as of any object: names are checked by kind, what the API server writes is its own. */
import { z } from 'zod'
import { jobAnnotations, jobLabels } from './pod-labels.ts'

const its = z.unknown().optional()

export const Metadata = z.strictObject({
  name: its,
  generateName: its,
  namespace: its,
  labels: jobLabels.nullish(),
  annotations: jobAnnotations.nullish(),
  ownerReferences: its,
  finalizers: its,
  managedFields: its,
  selfLink: its,
  uid: its,
  resourceVersion: its,
  generation: its,
  creationTimestamp: its,
  deletionTimestamp: its,
  deletionGracePeriodSeconds: its,
})

export const METADATA_FIELDS: readonly string[] = Object.keys(Metadata.shape)
