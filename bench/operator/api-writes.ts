/** What the API server has served, from its own metrics: the same count for every contender. */
import { setTimeout as delay } from 'node:timers/promises'

const WRITES = new Set(['POST', 'PUT', 'PATCH', 'APPLY', 'DELETE'])
/** The cluster's own business. */
const OTHERS = new Set(['leases', 'nodes', 'tokenreviews', 'subjectaccessreviews', 'endpoints', 'endpointslices'])

/** So long without a write the cluster counts as at rest. */
export const QUIET_MS = 1000

export type Counts = Record<string, number>

/** @param metrics text of the API server's /metrics. @returns `VERB resource/subresource` → how often */
export function countWrites(metrics: string): Counts {
  const counts: Counts = {}
  for (const [, labels = '', value] of metrics.matchAll(/^apiserver_request_total\{(.*)\} (\S+)$/gm)) {
    const label = (name: string) => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? ''
    if (!WRITES.has(label('verb')) || OTHERS.has(label('resource'))) continue
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

/** The part of it that a controller chose to write: kubelets bind and report pods for everybody alike. */
export function sumOf(counts: Counts, pattern: RegExp): number {
  return Object.entries(counts).reduce((sum, [key, value]) => sum + (pattern.test(key) ? value : 0), 0)
}

/** @returns the counts once nobody writes any more */
export async function untilQuiet(read: () => Promise<Counts>): Promise<Counts> {
  for (let before = await read(); ; ) {
    await delay(QUIET_MS)
    const now = await read()
    if (Object.keys(difference(now, before)).length === 0) return now
    before = now
  }
}
