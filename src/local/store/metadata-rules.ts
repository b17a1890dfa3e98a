/** Validates metadata, by the same rules for all kinds. */
import { issueOf } from '../../api/issues.ts'
import { MetadataTypes } from '../../api/metadata.ts'
import { issueText } from '../../api/parse.ts'
import { type Cause, invalidValue } from './causes.ts'
import type { Stored } from './objects.ts'
import type { Resource } from './resources.ts'
import { badRequest, invalid } from './status-error.ts'

const NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$/
const PREFIX = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/

/** @throws StatusError 422 */
export function checkMetadata(resource: Resource, { metadata }: Stored): void {
  const causes = [...labelCauses(metadata.labels ?? {}), ...ownerCauses(metadata.ownerReferences ?? [])]
  if (causes.length > 0) throw invalid(resource, metadata.name, causes)
}

/** @throws StatusError 400 for metadata that does not decode into Kubernetes' types */
export function checkMetadataTypes(metadata: Record<string, unknown>): void {
  const { error } = MetadataTypes.safeParse(metadata)
  const [issue] = error?.issues.flatMap((one) => issueOf(one, 'metadata', metadata)) ?? []
  if (issue) throw badRequest(issueText(issue))
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
  return invalidValue(`metadata.${field}`, JSON.stringify(value), message)
}
