/** Nodes with GPUs are commonly tainted with the name of the resource, to keep everybody else away. */
import type { PodTemplate } from '../api/pod-template.ts'

type Toleration = Record<string, unknown>

/**
 * The user's, and one for the taint of each device that the pod asks for: as the API server's own plugin
 * ExtendedResourceToleration does it, which few clusters switch on.
 */
export function tolerationsOf({ tolerations = [], resources }: PodTemplate): Toleration[] | undefined {
  const named = new Set(tolerations.map(({ key }) => key))
  const devices = Object.keys({ ...resources?.requests, ...resources?.limits }).filter(isDevice)
  const added = devices.filter((name) => !named.has(name)).map((key) => ({ key, operator: 'Exists' }))
  return tolerations.length + added.length > 0 ? [...tolerations, ...added] : undefined
}

/** @example isDevice('nvidia.com/gpu') && !isDevice('memory') && !isDevice('storage.kubernetes.io/scratch') */
function isDevice(resource: string): boolean {
  const [domain, name] = resource.split('/')
  return name !== undefined && domain !== undefined && !domain.endsWith('kubernetes.io')
}
