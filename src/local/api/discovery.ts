/** API discovery, which kubectl reads before any other request: groups, versions and resources. */
import { apiVersionOf, RESOURCES, type Resource } from '../store/resources.ts'

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
const SERVED_AS = '1.34'

/** @returns undefined for any other path */
export function discoveryOf(path: string): Record<string, unknown> | undefined {
  const clean = path.replace(/\/$/, '')
  if (clean === '/version') {
    const [major, minor] = SERVED_AS.split('.')
    return { major, minor, gitVersion: `v${SERVED_AS}.0-downpour`, platform: `${process.platform}/${process.arch}` }
  }
  if (clean === '/api') return { kind: 'APIVersions', versions: ['v1'] }
  if (clean === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups().map(groupOf) }
  const one = /^\/apis\/([^/]+)$/.exec(clean)?.[1]
  if (one) return groups().includes(one) ? { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(one) } : undefined
  const groupVersion = /^\/apis?\/(.+)$/.exec(clean)?.[1]
  const resources = RESOURCES.filter((resource) => apiVersionOf(resource) === groupVersion)
  if (resources.length === 0) return undefined
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: resources.flatMap(resourceEntries) }
}

function groups(): string[] {
  return [...new Set(RESOURCES.map(({ group }) => group).filter(Boolean))]
}

function groupOf(name: string): Record<string, unknown> {
  const versions = [...new Set(RESOURCES.filter(({ group }) => group === name).map(({ version }) => version))]
  const entries = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }))
  return { name, versions: entries, preferredVersion: entries[0] }
}

function resourceEntries(resource: Resource): Record<string, unknown>[] {
  const { plural, singular, namespaced, kind, shortNames, categories, hasStatusSubresource, scale } = resource
  const part = (subresource: string, partKind: string) => ({
    name: `${plural}/${subresource}`,
    singularName: '',
    namespaced,
    kind: partKind,
    verbs: ['get', 'patch', 'update'],
  })
  return [
    {
      name: plural,
      singularName: singular,
      namespaced,
      kind,
      verbs: VERBS,
      shortNames,
      ...(categories ? { categories } : {}),
    },
    ...(hasStatusSubresource ? [part('status', kind)] : []),
    ...(scale ? [{ ...part('scale', 'Scale'), group: 'autoscaling', version: 'v1' }] : []),
    ...(kind === 'Pod' ? [{ name: 'pods/log', singularName: '', namespaced, kind, verbs: ['get'] }] : []),
  ]
}
