/** The kinds that the embedded API server serves, with the names that kubectl uses for them. */
import { GROUP, JOB_KINDS, type JobKind, PLURALS, SHORT_NAMES, VERSION } from '../../contract/names.ts'
import { DownpourError } from '../../support/errors.ts'

export interface Resource {
  group: string
  version: string
  plural: string
  singular: string
  kind: string
  shortNames: readonly string[]
  namespaced: boolean
  /** Has a status subresource: a write of the object does not change the status, a write of the status nothing else. */
  hasStatusSubresource: boolean
  scale?: boolean
  categories?: readonly string[]
}

/** Kinds that `kubectl get all` lists. */
const ALL = ['Pod', 'Service']

const core = (
  kind: string,
  plural: string,
  shortNames: string[],
  namespaced = true,
  hasStatusSubresource = false,
): Resource => ({
  group: '',
  version: 'v1',
  plural,
  singular: kind.toLowerCase(),
  kind,
  shortNames,
  namespaced,
  hasStatusSubresource,
  ...(ALL.includes(kind) ? { categories: ['all'] } : {}),
})
const ours = (kind: JobKind): Resource => ({
  group: GROUP,
  version: VERSION,
  plural: PLURALS[kind],
  singular: kind.toLowerCase(),
  kind,
  shortNames: [SHORT_NAMES[kind]],
  namespaced: true,
  hasStatusSubresource: true,
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
    hasStatusSubresource: false,
  },
  {
    group: 'apiextensions.k8s.io',
    version: 'v1',
    plural: 'customresourcedefinitions',
    singular: 'customresourcedefinition',
    kind: 'CustomResourceDefinition',
    shortNames: ['crd', 'crds'],
    namespaced: false,
    hasStatusSubresource: false,
  },
  ...JOB_KINDS.map(ours),
]

export function apiVersionOf({ group, version }: Resource): string {
  return group ? `${group}/${version}` : version
}

export function resourceOfKind(kind: string): Resource {
  const resource = RESOURCES.find((one) => one.kind === kind)
  if (resource) return resource
  throw new DownpourError('BUG_KIND_UNKNOWN', `the embedded API server does not serve ${kind}`, { kind })
}
