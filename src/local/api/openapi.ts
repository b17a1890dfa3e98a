/** OpenAPI documents of our kinds, for kubectl's validation and `kubectl explain`. */
import type { ServerResponse } from 'node:http'
import { API_VERSION, GROUP, JOB_KINDS, type JobKind, PLURALS, VERSION } from '../../contract/names.ts'
import { apiVersionOf, RESOURCES, type Resource, resourceOfKind } from '../store/resources.ts'
import { schemaOf } from '../store/schema.ts'

const PROTOBUF = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf'
const METADATA = {
  type: 'object',
  description: "Standard object's metadata: name, namespace, labels, annotations.",
  additionalProperties: true,
}

/** @returns undefined for any path outside of OpenAPI v3 */
export function openApiOf(path: string): Record<string, unknown> | undefined {
  if (path === '/openapi/v3')
    return { paths: Object.fromEntries(groupVersions().map((gv) => [pathOf(gv), linkTo(gv)])) }
  const groupVersion = /^\/openapi\/v3\/(?:api|apis)\/(.+)$/.exec(path)?.[1]
  return groupVersion && groupVersions().includes(groupVersion) ? documentOf(groupVersion) : undefined
}

/** kubectl only checks that OpenAPI v2 exists. It requests protobuf, in which an empty document has no bytes. */
export function sendOpenApiV2(accept: string | undefined, response: ServerResponse): void {
  const asProtobuf = accept?.includes('proto') ?? false
  response.writeHead(200, { 'content-type': asProtobuf ? PROTOBUF : 'application/json' })
  response.end(asProtobuf ? '' : JSON.stringify({ swagger: '2.0', info: INFO, paths: {}, definitions: {} }))
}

const INFO = { title: 'Downpour local', version: VERSION }

function groupVersions(): string[] {
  return [...new Set(RESOURCES.map(apiVersionOf))]
}

function pathOf(groupVersion: string): string {
  return groupVersion.includes('/') ? `apis/${groupVersion}` : `api/${groupVersion}`
}

function linkTo(groupVersion: string): { serverRelativeURL: string } {
  return { serverRelativeURL: `/openapi/v3/${pathOf(groupVersion)}` }
}

function documentOf(groupVersion: string): Record<string, unknown> {
  const resources = RESOURCES.filter((resource) => apiVersionOf(resource) === groupVersion)
  const schemas = groupVersion === API_VERSION ? JOB_KINDS.map((kind) => [schemaName(kind), schemaFor(kind)]) : []
  return {
    openapi: '3.0.0',
    info: INFO,
    paths: Object.fromEntries(resources.map((resource) => [collectionPath(resource), operations(resource)])),
    components: { schemas: Object.fromEntries(schemas) },
  }
}

function collectionPath({ namespaced, plural, ...resource }: Resource): string {
  const root = `/${pathOf(apiVersionOf(resource as Resource))}`
  return namespaced ? `${root}/namespaces/{namespace}/${plural}` : `${root}/${plural}`
}

/** kubectl leaves validation to the server if it finds the parameter `fieldValidation` here. */
function operations(resource: Resource): Record<string, unknown> {
  const parameters = ['dryRun', 'fieldManager', 'fieldValidation'].map((name) => ({
    name,
    in: 'query',
    schema: { type: 'string', uniqueItems: true },
  }))
  const { group, version, kind } = resource
  const one = { parameters, 'x-kubernetes-group-version-kind': { group, version, kind } }
  return { post: one, patch: one, put: one }
}

function schemaName(kind: JobKind): string {
  return `${GROUP.split('.').reverse().join('.')}.${VERSION}.${kind}`
}

function schemaFor(kind: JobKind): Record<string, unknown> {
  const schema = schemaOf(resourceOfKind(kind))
  return {
    ...schema,
    properties: { ...schema?.properties, metadata: METADATA },
    'x-kubernetes-group-version-kind': [{ group: GROUP, version: VERSION, kind }],
    description: `${schema?.description ?? ''} See also: kubectl get ${PLURALS[kind]}.`,
  }
}
