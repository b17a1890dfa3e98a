/** A pod like one that is there, for another place or another try: what it trains with stays what its peers train with. */
import { ANNOTATIONS } from '../contract/names.ts'
import type { KubeObject } from '../kube/objects.ts'

export interface WholePod extends KubeObject {
  spec: { containers: { args?: string[] }[]; hostname?: string } & Record<string, unknown>
}

/** Its name, and what the scheduler and admission decided for the one that is there. */
const NOT_COPIED = ['hostname', 'nodeName', 'priority', 'preemptionPolicy']

/** @param wanted the pod as the present spec plans it: its name, labels and arguments are kept. @param peer of the same role */
export function copyPod(wanted: WholePod, peer: WholePod): WholePod {
  const kept = Object.entries(peer.spec).filter(([field]) => !NOT_COPIED.includes(field))
  const [container, ...others] = peer.spec.containers
  const { args } = wanted.spec.containers[0] ?? {}
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
      containers: [{ ...container, ...(args && { args }) }, ...others],
    },
  }
}
