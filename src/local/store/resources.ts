/** Which kinds the embedded API server holds, and what `kubectl` calls them. */
import { GROUP, PLURALS, VERSION } from '../../contract/names.ts'
import { DownpourError } from '../../support/errors.ts'
import { badRequest } from './status-error.ts'

export interface Resource {
  group: string
  version: string
  plural: string
  singular: string
  kind: string
  shortNames: readonly string[]
  namespaced: boolean
  /** Has a status subresource: writes of the object leave status alone, and the other way round. */
  status: boolean
  scale?: boolean
  categories?: readonly string[]
}

/** What `kubectl get all` shows. */
const ALL = ['Pod', 'Service']

const core = (kind: string, plural: string, shortNames: string[], namespaced = true, status = false): Resource => ({
  group: '',
  version: 'v1',
  plural,
  singular: kind.toLowerCase(),
  kind,
  shortNames,
  namespaced,
  status,
  ...(ALL.includes(kind) ? { categories: ['all'] } : {}),
})
const ours = (kind: 'PretrainJob' | 'FinetuneJob', shortName: string): Resource => ({
  group: GROUP,
  version: VERSION,
  plural: PLURALS[kind],
  singular: kind.toLowerCase(),
  kind,
  shortNames: [shortName],
  namespaced: true,
  status: true,
  scale: true,
  categories: ['downpour'],
})

export const RESOURCES: readonly Resource[] = [
  core('Pod', 'pods', ['po'], true, true),
  core('Service', 'services', ['svc']),
  core('Event', 'events', ['ev']),
  core('ConfigMap', 'configmaps', ['cm']),
  core('PersistentVolumeClaim', 'persistentvolumeclaims', ['pvc'], true, true),
  core('Namespace', 'namespaces', ['ns'], false),
  core('Node', 'nodes', ['no'], false, true),
  {
    group: 'coordination.k8s.io',
    version: 'v1',
    plural: 'leases',
    singular: 'lease',
    kind: 'Lease',
    shortNames: [],
    namespaced: true,
    status: false,
  },
  {
    group: 'apiextensions.k8s.io',
    version: 'v1',
    plural: 'customresourcedefinitions',
    singular: 'customresourcedefinition',
    kind: 'CustomResourceDefinition',
    shortNames: ['crd', 'crds'],
    namespaced: false,
    status: false,
  },
  ours('PretrainJob', 'pj'),
  ours('FinetuneJob', 'fj'),
]

export function apiVersionOf({ group, version }: Resource): string {
  return group ? `${group}/${version}` : version
}

export function resourceOfKind(kind: string): Resource {
  const resource = RESOURCES.find((one) => one.kind === kind)
  if (resource) return resource
  throw new DownpourError('BUG_KIND_UNKNOWN', `the embedded API server does not hold ${kind}`, { kind })
}

/** A request path taken apart. */
export interface Target {
  resource: Resource
  namespace: string | undefined
  name: string | undefined
  subresource: 'status' | 'scale' | 'log' | undefined
}

/** @returns undefined for a path that names no resource of ours. @throws StatusError 400 for one that is no path */
export function targetOf(path: string): Target | undefined {
  const parts = path.split('/').filter(Boolean).map(decoded)
  const [group, version, rest] =
    parts[0] === 'api' ? ['', parts[1], parts.slice(2)] : [parts[1] ?? '', parts[2], parts.slice(3)]
  const scoped = rest[0] === 'namespaces' && rest.length > 2
  const [plural, name, subresource, ...more] = scoped ? rest.slice(2) : rest
  const resource = RESOURCES.find((one) => one.group === group && one.version === version && one.plural === plural)
  if (!resource || more.length > 0 || !hasSubresource(resource, subresource)) return undefined
  if (scoped !== resource.namespaced && (scoped || name !== undefined)) return undefined
  return { resource, namespace: scoped ? rest[1] : undefined, name, subresource } as Target
}

function hasSubresource(resource: Resource, subresource: string | undefined): boolean {
  switch (subresource) {
    case undefined:
      return true
    case 'status':
      return resource.status
    case 'scale':
      return resource.scale === true
    default:
      return subresource === 'log' && resource.kind === 'Pod'
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw badRequest(`the path cannot be read: ${part}`)
  }
}
