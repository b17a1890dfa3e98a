/** Fields that the API server sets when it creates an object: apiVersion, kind, name, namespace, uid, creation time, generation. */
import { randomUUID } from 'node:crypto'
import { DNS_SUBDOMAIN } from '../../api/names.ts'
import { invalidValue, requiredField } from './causes.ts'
import { clone, type Stored, timestamp } from './objects.ts'
import { apiVersionOf, type Resource } from './resources.ts'
import { withoutEmpty } from './revise.ts'
import { badRequest, invalid } from './status-error.ts'

/** As Kubernetes words it. */
const NAME_RULE = String.raw`a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`
const MAX_NAME = 253
/** A longer generateName is cut, so that the generated name is still a valid label value. */
const MAX_GENERATED_BASE = 58

/** @throws StatusError 422 for a missing or invalid name, 400 if resourceVersion is set */
export function withCreateDefaults(
  resource: Resource,
  namespace: string | undefined,
  submitted: Stored,
  nowMs: number,
): Stored {
  const { status, ...rest } = clone(submitted)
  const { resourceVersion, ...meta } = rest.metadata
  if (resourceVersion) throw badRequest('resourceVersion should not be set on objects to be created')
  if (!meta.name && meta.generateName) meta.name = generatedName(meta.generateName)
  checkName(resource, meta.name)
  return {
    ...rest,
    // As in Kubernetes, create ignores the status of a resource that has a status subresource.
    ...(status && !resource.hasStatusSubresource ? { status } : {}),
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    metadata: withoutEmpty({
      ...meta,
      ...(namespace === undefined ? {} : { namespace }),
      uid: randomUUID(),
      creationTimestamp: timestamp(nowMs),
      generation: 1,
    }),
  }
}

function generatedName(base: string): string {
  return base.slice(0, MAX_GENERATED_BASE) + randomUUID().slice(0, 5)
}

function checkName(resource: Resource, name: string | undefined): void {
  const field = 'metadata.name'
  if (!name) throw invalid(resource, '', [requiredField(field, 'name or generateName is required')])
  if (name.length <= MAX_NAME && DNS_SUBDOMAIN.test(name)) return
  throw invalid(resource, name, [invalidValue(field, JSON.stringify(name), NAME_RULE)])
}
