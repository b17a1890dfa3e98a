/** Describes why the operator is not ready, for `/readyz` and the log. */
import type { Watches } from './watches.ts'

/** @returns undefined when every first list is complete and every watch works */
export function describeWaiting({ reflectors }: Watches): string | undefined {
  const waiting = reflectors.flatMap(({ resource, reflector }) => {
    const { synced, trouble } = reflector.stats()
    if (synced && trouble === undefined) return []
    const what = synced ? `watch of ${resource}` : `first list of ${resource}`
    return [trouble === undefined ? what : `${what}: ${trouble}${adviceOn(trouble)}`]
  })
  return waiting.length > 0 ? waiting.join('; ') : undefined
}

function adviceOn(trouble: string): string {
  if (/: 404 /.test(trouble)) return ' (install the CustomResourceDefinitions of this version: crds/ or the chart)'
  if (/: 403 /.test(trouble)) return " (grant it to the operator's service account: the chart's Role or ClusterRole)"
  return ''
}
