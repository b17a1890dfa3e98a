/** Nodes with GPUs are commonly tainted with the name of the resource, so that other pods avoid them. */
import type { PodTemplate } from '../api/pod-template.ts'

type Toleration = Record<string, unknown>

/**
 * The user's tolerations, and one for each device that the pod requests: the same as the admission plugin
 * ExtendedResourceToleration, which few clusters enable.
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
