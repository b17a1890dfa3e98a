/** POST, PUT, PATCH and DELETE of objects. */
import type { ServerResponse } from 'node:http'
import { METADATA_FIELDS } from '../../api/metadata.ts'
import { pruned } from '../../api/pruned.ts'
import { isFields } from '../../support/fields.ts'
import { invalidValue, requiredField } from '../store/causes.ts'
import { checkMetadataTypes } from '../store/metadata-rules.ts'
import type { ManagedFields, Stored } from '../store/objects.ts'
import { apiVersionOf } from '../store/resources.ts'
import type { Part } from '../store/revise.ts'
import { schemaOf } from '../store/schema.ts'
import { badRequest, invalid, invalidOption, notFound, StatusError, unsupportedOption } from '../store/status-error.ts'
import { deleteObject, readDeleteOptions } from './deletion.ts'
import { send } from './http.ts'
import { managedFieldsOf } from './managed-fields.ts'
import { applyPatch } from './patch.ts'
import { type ApiContext, objectBody, type Request } from './request.ts'
import { scaled, scaleOf, scaleToPatch } from './scale.ts'
import { applyFields, trackWrite } from './server-side-apply.ts'

const VALIDATIONS = ['Ignore', 'Strict', 'Warn']

export function post({ store }: ApiContext, request: Request, response: ServerResponse): void {
  const { target, dryRun } = request
  if (target.name || (target.resource.namespaced && !target.namespace)) throw notAllowed()
  const known = knownFields(request, objectBody(request), response)
  const object = withManagedFields(known, managedFieldsOf(known.metadata.managedFields, undefined))
  send(response, 201, store.create(target.resource, target.namespace, object, { dryRun, mustPersist: true }))
}

export function put(context: ApiContext, request: Request, response: ServerResponse): void {
  const current = currentOf(context, request)
  if (request.target.subresource === 'scale') return saveScale(context, request, current, request.body, response)
  const next = objectBody(request)
  if (!next.metadata.name) throw badRequest('metadata.name: the name is required in the body')
  requireVersion(request, next)
  send(response, 200, save(context, request, current, next, response))
}

/** As in Kubernetes, a custom resource cannot be replaced without its resourceVersion. */
function requireVersion({ target }: Request, { metadata }: Stored): void {
  if (!schemaOf(target.resource) || metadata.resourceVersion) return
  const cause = invalidValue('metadata.resourceVersion', '0x0', 'must be specified for an update')
  throw invalid(target.resource, metadata.name, [cause])
}

export function patch(context: ApiContext, request: Request, response: ServerResponse): void {
  const { target, contentType, body, query } = request
  if (!target.name) throw notAllowed()
  if (contentType === 'application/apply-patch+yaml') return apply(context, request, response)
  const current = currentOf(context, request)
  if (target.subresource === 'scale') {
    const scale = applyPatch(target.resource, contentType, { ...scaleToPatch(current) }, body)
    return saveScale(context, request, current, scale, response)
  }
  if (query.get('force') !== null) throw invalidOption('force', 'Forbidden: may not be specified for non-apply patch')
  const next = applyPatch(target.resource, contentType, current, body) as Stored
  checkIdentity(request, next)
  send(response, 200, save(context, request, current, next, response))
}

/** @throws StatusError 400, 422 */
function checkIdentity({ target }: Request, { kind, metadata }: Stored): void {
  const { name, namespace, resource } = target
  if (!isFields(metadata)) throw badRequest('metadata must be an object')
  checkMetadataTypes(metadata)
  if (metadata?.name !== name)
    throw badRequest(`the name of the object (${metadata?.name}) does not match the name on the URL (${name})`)
  if (resource.namespaced && metadata?.namespace !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  if (kind === resource.kind) return
  throw invalid(resource, name ?? '', [invalidValue('kind', JSON.stringify(kind), `must be ${resource.kind}`)])
}

function apply(context: ApiContext, request: Request, response: ServerResponse): void {
  const { store, clock } = context
  const { target, query, manager, dryRun } = request
  const { resource, namespace, name = '', subresource } = target
  if (subresource === 'scale') throw notAllowed()
  if (!query.get('fieldManager'))
    throw invalid(resource, name, [requiredField('fieldManager', 'is required for apply patch')])
  const applied = knownFields(request, objectBody(request), response)
  const current = store.find(resource, namespace, name)
  if (!current && (subresource || applied.metadata.uid)) throw notFound(resource, name)
  const part = partOf(request)
  const applying = { resource, manager, part, force: query.get('force') === 'true', nowMs: clock.nowMs() }
  const next = applyFields(current, { ...applied, metadata: { ...applied.metadata, name } }, applying)
  if (current) return send(response, 200, store.update(resource, current, next, part, { dryRun, mustPersist: true }))
  send(response, 201, store.create(resource, namespace, next, { dryRun, mustPersist: true }))
}

export function remove(context: ApiContext, request: Request, response: ServerResponse): void {
  const { store } = context
  const { target, matches } = request
  const { resource, namespace, name, subresource } = target
  if (subresource || (!name && resource.namespaced && !namespace)) throw notAllowed()
  const options = readDeleteOptions(request)
  if (name !== undefined) {
    return send(response, 200, deleteObject(store, resource, currentOf(context, request), options))
  }
  const items = store.list(resource, namespace).filter(matches)
  for (const object of items) deleteObject(store, resource, object, options)
  send(response, 200, { kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata: {}, items })
}

function save(context: ApiContext, request: Request, current: Stored, next: Stored, response: ServerResponse): Stored {
  const { resource } = request.target
  const known = knownFields(request, next, response)
  const part = partOf(request)
  const stored = current.metadata.managedFields
  const managedFields = part === 'status' ? stored : managedFieldsOf(known.metadata.managedFields, stored)
  const owned = (object: Stored) => withManagedFields(object, managedFields)
  const tracking = { resource, part, manager: request.manager, nowMs: context.clock.nowMs() }
  const tracked = trackWrite(owned(current), owned(known), tracking)
  return context.store.update(resource, current, tracked, part, { dryRun: request.dryRun, mustPersist: true })
}

function withManagedFields(object: Stored, managedFields: ManagedFields[] | undefined): Stored {
  const { managedFields: _, ...metadata } = object.metadata
  return { ...object, metadata: { ...metadata, ...(managedFields ? { managedFields } : {}) } }
}

function saveScale(
  context: ApiContext,
  request: Request,
  current: Stored,
  scale: unknown,
  response: ServerResponse,
): void {
  send(response, 200, scaleOf(save(context, request, current, scaled(current, scale), response)))
}

/**
 * Drops fields that the schema does not have. `fieldValidation` decides whether silently, with a warning, or with an error
 * (kubectl sends Strict). @throws StatusError 400
 */
function knownFields({ target, query, contentType }: Request, object: Stored, response: ServerResponse): Stored {
  if (!isFields(object.metadata)) throw badRequest('metadata must be an object')
  const schema = schemaOf(target.resource)
  const isApply = contentType === 'application/apply-patch+yaml'
  const asked = query.get('fieldValidation') || 'Warn'
  if (!VALIDATIONS.includes(asked)) throw unsupportedOption('fieldValidation', JSON.stringify(asked), VALIDATIONS)
  const unknown: string[] = []
  const { metadata: given, ...rest } = object
  const metadata = knownMetadata(given, (path) => unknown.push(path))
  const fields = schema ? (pruned(schema, rest, '', (path) => unknown.push(path)) as Stored) : rest
  const kept = { ...fields, metadata } as Stored
  const warnings = unknown.map((path) => `unknown field "${path}"`)
  // Apply is always strict, because a field that is not stored cannot have an owner.
  if (warnings.length > 0 && (isApply || asked === 'Strict'))
    throw decodingError(contentType, `strict decoding error: ${warnings.join(', ')}`)
  if (warnings.length > 0 && asked === 'Warn')
    response.setHeader(
      'warning',
      warnings.map((text) => `299 - "${text.replaceAll('"', '\\"')}"`),
    )
  return kept
}

function knownMetadata(given: Stored['metadata'], onUnknown: (path: string) => void): Stored['metadata'] {
  const unknown = Object.keys(given).filter((name) => !METADATA_FIELDS.includes(name))
  for (const name of unknown) onUnknown(`metadata.${name}`)
  const known = Object.entries(given).filter(([name]) => !unknown.includes(name))
  const { labels, annotations, ...rest } = Object.fromEntries(known) as unknown as Stored['metadata']
  return {
    ...rest,
    ...(labels && { labels: withoutNulls(labels) }),
    ...(annotations && { annotations: withoutNulls(annotations) }),
  }
}

/** Stores a label or annotation that is null as the empty text. */
function withoutNulls(map: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, value ?? '']))
}

/** For a patch, the error is about the patched object, which a real API server reports as an invalid option. */
function decodingError(contentType: string, message: string): StatusError {
  const isPatch = contentType.endsWith('patch+json')
  return isPatch ? invalidOption('patch', `Invalid value: ${message}`) : badRequest(message)
}

function partOf({ target }: Request): Part {
  return target.subresource === 'status' ? 'status' : 'object'
}

function currentOf({ store }: ApiContext, { target }: Request): Stored {
  if (!target.name) throw notAllowed()
  return store.get(target.resource, target.namespace, target.name)
}

function notAllowed(): StatusError {
  return new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource')
}
