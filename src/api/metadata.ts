/** The metadata of a job. */
import { z } from 'zod'
import { jobAnnotations, jobLabels, LABEL_KEY } from './pod-labels.ts'

const text = z.string().nullish()
const whole = z.int().nullish()
const time = z.iso.datetime({ offset: true, error: 'a time such as 2026-01-31T12:00:00Z' }).nullish()
const texts = z.record(z.string(), z.string().nullable()).nullish()

const OwnerReference = z.strictObject({
  apiVersion: text,
  kind: text,
  name: text,
  uid: text,
  controller: z.boolean().nullish(),
  blockOwnerDeletion: z.boolean().nullish(),
})

const ManagedFields = z.strictObject({
  manager: text,
  operation: text,
  apiVersion: text,
  time,
  fieldsType: text,
  fieldsV1: z.unknown().optional(),
  subresource: text,
})

const TYPES = {
  name: text,
  generateName: text,
  namespace: text,
  labels: texts,
  annotations: texts,
  ownerReferences: z.array(OwnerReference).nullish(),
  finalizers: z.array(z.string()).nullish(),
  managedFields: z.array(ManagedFields.nullable()).nullish(),
  selfLink: text,
  uid: text,
  resourceVersion: text,
  generation: whole,
  creationTimestamp: time,
  deletionTimestamp: time,
  deletionGracePeriodSeconds: whole,
}

/** Types of metadata fields. Unknown fields are checked separately. */
export const MetadataTypes = z.object(TYPES)
export const METADATA_FIELDS: readonly string[] = Object.keys(TYPES)

const SUBDOMAIN_BEGINNING = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*[-.]?$/
const GROUP_VERSION = /^([^/]+\/)?[^/]+$/
const needed = z.string().min(1)

const Owner = OwnerReference.extend({
  apiVersion: z.string().regex(GROUP_VERSION, 'a version such as v1 or apps/v1'),
  kind: needed,
  name: needed,
  uid: needed,
}).refine(({ apiVersion, kind }) => !(apiVersion === 'v1' && kind === 'Event'), 'must not be an Event')

const owners = z
  .array(Owner)
  .refine((list) => list.filter(({ controller }) => controller).length < 2, 'must not name two controllers')
const finalizers = z
  .array(z.string().regex(LABEL_KEY, 'a name such as example.com/cleanup'))
  .refine(
    (list) => !['foregroundDeletion', 'orphan'].every((name) => list.includes(name)),
    'must not hold both orphan and foregroundDeletion',
  )

/** Rules of the API server for metadata that an author writes. Names are checked by kind. */
export const WrittenMetadata = z.strictObject({
  ...TYPES,
  name: z.unknown().optional(),
  generateName: z.string().regex(SUBDOMAIN_BEGINNING, 'the beginning of a name').or(z.literal('')).nullish(),
  labels: jobLabels.nullish(),
  annotations: jobAnnotations.nullish(),
  ownerReferences: owners.nullish(),
  finalizers: finalizers.nullish(),
})

/** Metadata of a stored job. Other fields are the API server's, and later versions may add more. */
export const StoredMetadata = z.object({ labels: jobLabels.nullish(), annotations: jobAnnotations.nullish() })
