/**
 * Prometheus HTTP discovery (its `http_sd_configs`): the addresses that serve metrics, with the labels by which series of
 * pods join those of the operator. The chart's PodMonitor writes the same labels.
 */
import { LABELS } from './names.ts'
import { PORTS } from './runtime.ts'

/** The entries of Prometheus' JSON. */
export interface TargetGroup {
  readonly targets: readonly string[]
  readonly labels: Readonly<Record<string, string>>
}

export interface DiscoveredPod {
  readonly metadata: {
    readonly name: string
    readonly namespace?: string | undefined
    readonly labels?: Readonly<Record<string, string>> | undefined
  }
  readonly status?: { readonly phase?: string | undefined; readonly podIP?: string | undefined } | undefined
}

/** Path that serves it, in the operator and in the API process of local mode. */
export const DISCOVERY_PATH = '/discovery'

/** Only pods that run: a scrape of one that has ended would count as a failure. */
export function podTargets(pods: readonly DiscoveredPod[]): TargetGroup[] {
  return pods.flatMap(({ metadata, status }) => {
    const { namespace = '', name, labels = {} } = metadata
    if (status?.phase !== 'Running' || !status.podIP || labels[LABELS.jobUid] === undefined) return []
    return [
      {
        targets: [addressOf(status.podIP, PORTS.http)],
        labels: {
          namespace,
          pod: name,
          kind: labels[LABELS.jobKind] ?? '',
          job_name: labels[LABELS.jobName] ?? '',
          role: labels[LABELS.role] ?? '',
          index: labels[LABELS.index] ?? '',
        },
      },
    ]
  })
}

/** IPv6 addresses stand in brackets before a port. */
export function addressOf(ip: string, port: number): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`
}
