/** A pod like one that is there, for another place or another try: what it trains with stays what its peers train with. */
import { ANNOTATIONS } from '../contract/names.ts'
import { ENV } from '../contract/runtime.ts'
import type { KubeObject } from '../kube/objects.ts'

interface EnvVar {
  name: string
  value?: string
}

export interface WholePod extends KubeObject {
  spec: { containers: { env?: EnvVar[] }[]; hostname?: string } & Record<string, unknown>
}

/** Its name, and what the scheduler and admission decided for the one that is there. */
const NOT_COPIED = ['hostname', 'nodeName', 'priority', 'preemptionPolicy']

/** Told each pod apart from its peers. */
const OF_ITS_PLACE: readonly string[] = [ENV.index, ENV.attempt]

/** @param wanted the pod as the present spec plans it: its name, labels and place are kept. @param peer of the same role */
export function copyPod(wanted: WholePod, peer: WholePod): WholePod {
  const kept = Object.entries(peer.spec).filter(([field]) => !NOT_COPIED.includes(field))
  const [container, ...others] = peer.spec.containers
  const own = new Map(envOf(wanted).map((variable) => [variable.name, variable]))
  const env = envOf(peer).map((variable) =>
    OF_ITS_PLACE.includes(variable.name) ? (own.get(variable.name) ?? variable) : variable,
  )
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
      containers: [{ ...container, env }, ...others],
    },
  }
}

function envOf(pod: WholePod): EnvVar[] {
  return pod.spec.containers[0]?.env ?? []
}
