/** Adds to the affinity of a pod that it prefers other nodes than some. */
import { isFields } from '../support/fields.ts'

/** The largest weight: the scheduler's own preference for a node with free space must not outweigh it. */
const WEIGHT = 100

export function avoidNodes(affinity: unknown, nodes: readonly string[]): unknown {
  if (nodes.length === 0) return affinity
  const { nodeAffinity, ...others } = isFields(affinity) ? affinity : {}
  const own = isFields(nodeAffinity) ? nodeAffinity : {}
  const { preferredDuringSchedulingIgnoredDuringExecution: preferred, ...required } = own
  // A requirement of a field takes a single value.
  const terms = nodes.map((node) => ({
    weight: WEIGHT,
    preference: { matchFields: [{ key: 'metadata.name', operator: 'NotIn', values: [node] }] },
  }))
  const preferredDuringSchedulingIgnoredDuringExecution = [...(Array.isArray(preferred) ? preferred : []), ...terms]
  return { ...others, nodeAffinity: { ...required, preferredDuringSchedulingIgnoredDuringExecution } }
}
