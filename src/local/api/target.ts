/** The object, list or subresource that a request path names. */
import { RESOURCES, type Resource } from '../store/resources.ts'
import { badRequest } from '../store/status-error.ts'

export interface Target {
  resource: Resource
  namespace: string | undefined
  name: string | undefined
  subresource: 'status' | 'scale' | 'log' | undefined
}

/** @returns undefined for a path of no served resource. @throws StatusError 400 for a path that cannot be decoded */
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
      return resource.hasStatusSubresource
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
