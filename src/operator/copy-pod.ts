/** A pod like one that is there, for another place or another try: what it trains with stays what its peers train with. */
import { ANNOTATIONS } from '../contract/names.ts'
import type { KubeObject } from '../kube/objects.ts'

interface NamedContainer {
  name: string
  args?: string[]
}

export interface WholePod extends KubeObject {
  spec: { containers: NamedContainer[]; hostname?: string } & Record<string, unknown>
}

/** Its name, and what the scheduler and admission decided for the one that is there. */
const NOT_COPIED = ['hostname', 'nodeName', 'priority', 'preemptionPolicy']

/** @param wanted the pod as the present spec plans it: its name, labels and arguments are kept. @param peer of the same role */
export function copyPod(wanted: WholePod, peer: WholePod): WholePod {
  const kept = Object.entries(peer.spec).filter(([field]) => !NOT_COPIED.includes(field))
  const own = new Map(wanted.spec.containers.map((container) => [container.name, container]))
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
      // Those that a webhook has added were told nothing by us.
      containers: peer.spec.containers.map((container) => withArgs(container, own.get(container.name)?.args)),
    },
  }
}

function withArgs(container: NamedContainer, args: string[] | undefined): NamedContainer {
  return args ? { ...container, args } : container
}
