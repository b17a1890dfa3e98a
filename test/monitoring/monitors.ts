/** The relabelings that the Prometheus operator (0.95) makes of a monitor, as a plain configuration of Prometheus. */
import type { Rendered } from '../chart/chart.ts'
import { labelName } from './kubernetes-targets.ts'

interface Relabeling {
  action?: string
  sourceLabels?: string[]
  targetLabel?: string
  regex?: string
  replacement?: string
  separator?: string
  modulus?: number
}
interface Endpoint {
  port: string
  honorLabels: boolean
  relabelings?: Relabeling[]
}
interface MonitorSpec {
  selector: { matchLabels?: Record<string, string>; matchExpressions?: { key: string; operator: string }[] }
  namespaceSelector: { any?: boolean; matchNames?: string[] }
  endpoints?: [Endpoint]
  podMetricsEndpoints?: [Endpoint]
}

export interface ScrapeJob {
  job_name: string
  honor_labels?: boolean
  relabel_configs: object[]
}

const META = '__meta_kubernetes'
const copy = (from: string, to: string) => ({ source_labels: [`${META}_${from}`], target_label: to })
const keep = (sources: readonly string[], regex: string) => ({
  ...{ action: 'keep', source_labels: sources.map((one) => `${META}_${one}`) },
  regex,
})
const NOT_ENDED = { action: 'drop', source_labels: [`${META}_pod_phase`], regex: '(Failed|Succeeded)' }
/** Of `role: endpoints`; the same as `pod` below as long as the address is that of a pod. */
const POD_OF_TARGET = {
  source_labels: [`${META}_endpoint_address_target_kind`, `${META}_endpoint_address_target_name`],
  regex: 'Pod;(.*)',
  target_label: 'pod',
}

export function scrapeJobOf(monitor: Rendered): ScrapeJob {
  const spec = monitor.spec as unknown as MonitorSpec
  const isOfPods = spec.podMetricsEndpoints !== undefined
  const [endpoint] = spec.podMetricsEndpoints ?? spec.endpoints ?? []
  if (!endpoint) throw new Error(`${monitor.metadata.name} has no endpoint`)
  const name = `${monitor.metadata.namespace}/${monitor.metadata.name}`
  return {
    job_name: `${isOfPods ? 'podMonitor' : 'serviceMonitor'}/${name}/0`,
    honor_labels: endpoint.honorLabels,
    relabel_configs: [
      ...selected(isOfPods ? 'pod' : 'service', spec),
      ...namespaces(spec),
      NOT_ENDED,
      keep([isOfPods ? 'pod_container_port_name' : 'endpoint_port_name'], endpoint.port),
      ...(isOfPods ? [] : [POD_OF_TARGET, copy('service_name', 'service'), copy('service_name', 'job')]),
      copy('namespace', 'namespace'),
      copy('pod_container_name', 'container'),
      copy('pod_name', 'pod'),
      ...(isOfPods ? [{ target_label: 'job', replacement: name }] : []),
      { target_label: 'endpoint', replacement: endpoint.port },
      ...(endpoint.relabelings ?? []).map(relabelConfig),
    ],
  }
}

function selected(what: 'pod' | 'service', { selector }: MonitorSpec): object[] {
  const { matchLabels = {}, matchExpressions = [] } = selector
  return [
    ...Object.entries(matchLabels).map(([key, value]) =>
      keep([`${what}_label_${labelName(key)}`, `${what}_labelpresent_${labelName(key)}`], `(${value});true`),
    ),
    ...matchExpressions.map(({ key, operator }) => {
      if (operator !== 'Exists') throw new Error(`${operator} of ${key} has no translation here`)
      return keep([`${what}_labelpresent_${labelName(key)}`], 'true')
    }),
  ]
}

/** The Prometheus operator lets the discovery look in these namespaces only, which has the same effect. */
function namespaces({ namespaceSelector: { any, matchNames = [] } }: MonitorSpec): object[] {
  return any ? [] : [keep(['namespace'], matchNames.join('|'))]
}

function relabelConfig({ sourceLabels, targetLabel, action, ...rest }: Relabeling): object {
  return {
    ...rest,
    ...(action && { action: action.toLowerCase() }),
    ...(sourceLabels && { source_labels: sourceLabels }),
    ...(targetLabel && { target_label: targetLabel }),
  }
}
