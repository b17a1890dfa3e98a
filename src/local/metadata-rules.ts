/** What an API server asks of the metadata of every kind. */
import { shownValue } from '../support/shown.ts'
import { isObject, type Stored } from './objects.ts'
import type { Resource } from './resources.ts'
import { badRequest, type Cause, invalid } from './status-error.ts'

const NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$/
const PREFIX = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/

/** @throws StatusError 400 for labels or annotations that are no text, 422 for what Kubernetes does not take as such */
export function checkMetadata(resource: Resource, { metadata }: Stored): void {
  for (const field of ['labels', 'annotations'] as const) checkTexts(field, metadata[field])
  const causes = [...labelCauses(metadata.labels ?? {}), ...ownerCauses(metadata.ownerReferences ?? [])]
  if (causes.length > 0) throw invalid(resource, metadata.name, causes)
}

const TEXTS = ['name', 'generateName', 'namespace', 'uid', 'resourceVersion'] as const
const LISTS = { finalizers: 'string', ownerReferences: 'object' } as const

/** @throws StatusError 400 for metadata that the types of Kubernetes cannot hold */
export function checkMetadataTypes(metadata: Record<string, unknown>): void {
  for (const field of TEXTS) {
    const value = metadata[field] ?? ''
    if (typeof value !== 'string') throw badRequest(`metadata.${field}: ${shownValue(value)}: must be a string`)
  }
  for (const [field, type] of Object.entries(LISTS)) {
    const list = metadata[field] ?? []
    const isRight = Array.isArray(list) && list.every((one) => one !== null && typeof one === type)
    if (!isRight) throw badRequest(`metadata.${field}: ${shownValue(list)}: must be a list of ${type}s`)
  }
}

function checkTexts(field: string, map: unknown): void {
  if (map === undefined || map === null) return
  if (isObject(map) && Object.values(map).every((value) => typeof value === 'string')) return
  throw badRequest(`metadata.${field}: every value must be a string; write numbers and true in quotes`)
}

function labelCauses(labels: Record<string, string>): Cause[] {
  return Object.entries(labels).flatMap(([key, value]) => [
    ...(isQualifiedName(key) ? [] : [cause('labels', key, 'name part must consist of alphanumerics, -, _ or .')]),
    ...(value === '' || NAME.test(value)
      ? []
      : [cause('labels', value, 'a valid label must be an empty string or consist of alphanumerics, -, _ or .')]),
  ])
}

function isQualifiedName(key: string): boolean {
  const parts = key.split('/')
  return NAME.test(parts.at(-1) ?? '') && (parts.length === 1 || (parts.length === 2 && PREFIX.test(parts[0] ?? '')))
}

function ownerCauses(owners: NonNullable<Stored['metadata']['ownerReferences']>): Cause[] {
  const unnamed = owners.filter(({ uid }) => !uid).map(() => cause('ownerReferences.uid', '', 'must not be empty'))
  const controllers = owners.filter((owner) => owner.controller).map(({ name }) => name)
  if (controllers.length < 2) return unnamed
  const message = 'Only one reference can have Controller set to true'
  return [...unnamed, cause('ownerReferences', controllers.join(', '), message)]
}

function cause(field: string, value: string, message: string): Cause {
  return {
    reason: 'FieldValueInvalid',
    field: `metadata.${field}`,
    message: `Invalid value: ${JSON.stringify(value)}: ${message}`,
  }
}
