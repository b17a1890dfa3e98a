/** Copies an existing pod for another index or attempt, so that it trains with the same settings as its peers. */
import { ANNOTATIONS } from '../contract/names.ts'
import type { KubeObject } from '../kube/objects.ts'

interface NamedContainer {
  name: string
  args?: string[]
  volumeMounts?: readonly { name: string }[]
}

export interface WholePod extends KubeObject {
  spec: { containers: NamedContainer[]; volumes?: { name: string }[] | undefined; hostname?: string } & Record<
    string,
    unknown
  >
}

/** Fields that name the existing pod, or that the scheduler, admission or the operator set on it. */
const NOT_COPIED = [
  'hostname',
  'nodeName',
  'priority',
  'preemptionPolicy',
  'schedulingGates',
  'activeDeadlineSeconds',
  'initContainers',
  'ephemeralContainers',
]

/**
 * @param wanted the pod as the current spec plans it; its name, labels and arguments stay. @param peer of the same role
 */
export function copyPod(wanted: WholePod, peer: WholePod): WholePod {
  const kept = Object.entries(peer.spec).filter(([field]) => !NOT_COPIED.includes(field))
  const own = new Map(wanted.spec.containers.map((container) => [container.name, container]))
  // Webhooks add their containers and volumes to the copy again; a second one of the same name would be refused.
  const containers = peer.spec.containers.filter(({ name }) => own.has(name))
  const mounted = new Set(containers.flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name)))
  const planHash = peer.metadata.annotations?.[ANNOTATIONS.planHash]
  return {
    ...wanted,
    metadata: {
      ...wanted.metadata,
      annotations: { ...wanted.metadata.annotations, ...(planHash && { [ANNOTATIONS.planHash]: planHash }) },
    },
    spec: {
      ...Object.fromEntries(kept),
      ...(wanted.spec.hostname && { hostname: wanted.spec.hostname }),
      containers: containers.map((container) => withArgs(container, own.get(container.name)?.args)),
      volumes: peer.spec.volumes?.filter(({ name }) => mounted.has(name)),
    },
  }
}

function withArgs(container: NamedContainer, args: string[] | undefined): NamedContainer {
  return args ? { ...container, args } : container
}
