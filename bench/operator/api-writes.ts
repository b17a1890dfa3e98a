/** Counts the writes that the API server has served, from its metrics, so that all contenders are counted alike. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Kubectl } from '../../tools/cluster/kubectl.ts'

const WRITES = new Set(['POST', 'PUT', 'PATCH', 'APPLY', 'DELETE'])
/** Resources that the cluster itself writes all the time. */
const CLUSTER_RESOURCES = new Set([
  'leases',
  'nodes',
  'tokenreviews',
  'subjectaccessreviews',
  'endpoints',
  'endpointslices',
])

/** The cluster is idle after this time without a write. */
export const QUIET_MS = 1000

export type Counts = Record<string, number>

/** The writes that the API server has served since it started. */
export async function readWrites(kubectl: Kubectl): Promise<Counts> {
  return countWrites(await kubectl(['get', '--raw', '/metrics']))
}

/** @param metrics text of the API server's /metrics. @returns the number of requests by `VERB resource/subresource` */
function countWrites(metrics: string): Counts {
  const counts: Counts = {}
  for (const [, labels = '', value] of metrics.matchAll(/^apiserver_request_total\{(.*)\} (\S+)$/gm)) {
    const label = (name: string) => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? ''
    if (!WRITES.has(label('verb')) || CLUSTER_RESOURCES.has(label('resource'))) continue
    const subresource = label('subresource')
    const key = `${label('verb')} ${label('resource')}${subresource ? `/${subresource}` : ''}`
    counts[key] = (counts[key] ?? 0) + Number(value)
  }
  return counts
}

export function difference(after: Counts, before: Counts): Counts {
  const changed = Object.entries(after).map(([key, value]) => [key, value - (before[key] ?? 0)] as const)
  return Object.fromEntries(changed.filter(([, value]) => value !== 0))
}

/** The sum of the counts whose key matches. Writes of scheduler and kubelets are the same for all contenders. */
export function sumOf(counts: Counts, pattern: RegExp): number {
  return Object.entries(counts).reduce((sum, [key, value]) => sum + (pattern.test(key) ? value : 0), 0)
}

/** Waits until the cluster is idle. @returns the counts at that time */
export async function untilQuiet(kubectl: Kubectl): Promise<Counts> {
  for (let before = await readWrites(kubectl); ; ) {
    await delay(QUIET_MS)
    const now = await readWrites(kubectl)
    if (Object.keys(difference(now, before)).length === 0) return now
    before = now
  }
}
