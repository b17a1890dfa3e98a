import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { suite, test } from 'node:test'
import { load } from 'js-yaml'
import { LABELS } from '../../src/contract/names.ts'
import { PORTS } from '../../src/contract/runtime.ts'
import { ofKind, type Rendered, render, skip } from './chart.ts'

interface Rule {
  alert?: string
  expr: string
  for?: string
  labels?: Record<string, string>
}
interface Monitor {
  endpoints?: Endpoint[]
  podMetricsEndpoints?: Endpoint[]
  sampleLimit?: number
}
interface Endpoint {
  honorLabels: boolean
  relabelings?: { sourceLabels: string[]; targetLabel?: string; action?: string; regex?: string }[]
}

const plain = (path: string) => readFile(new URL(`../../deploy/monitoring/${path}`, import.meta.url), 'utf8')
const withMetrics = (metrics: object) => render({ metrics })
const specOf = <T>(objects: readonly Rendered[], kind: string) => ofKind(objects, kind)[0]?.spec as T
const rulesOf = (values: object) =>
  specOf<{ groups: { rules: Rule[] }[] }>(
    withMetrics({ prometheusRule: { enabled: true, ...values } }),
    'PrometheusRule',
  ).groups
const alertsOf = (values: object) =>
  new Map((rulesOf(values)[1]?.rules ?? []).map((rule) => [rule.alert as string, rule]))

test('nothing for Prometheus or Grafana is created unless a value asks for it', { skip }, () => {
  const kinds = new Set(render().map(({ kind }) => kind))
  for (const kind of ['PodMonitor', 'ServiceMonitor', 'PrometheusRule', 'ConfigMap']) assert.ok(!kinds.has(kind), kind)
})

suite('rules', { skip }, () => {
  test('are those of deploy/monitoring/rules.yaml by default', async () => {
    const { groups } = load(await plain('rules.yaml')) as { groups: unknown[] }
    assert.deepEqual(rulesOf({}), groups)
  })

  test('have the thresholds, times, windows and labels of the values', () => {
    const alerts = alertsOf({
      alerts: {
        DownpourCheckpointTooOld: { threshold: 60, for: '10s', severity: 'critical' },
        DownpourPushSlow: { threshold: 0 },
        DownpourPodsRestarting: { window: '2h' },
      },
      alertLabels: { team: 'ml' },
    })
    const old = alerts.get('DownpourCheckpointTooOld')
    assert.deepEqual([old?.for, old?.labels], ['10s', { severity: 'critical', team: 'ml' }])
    assert.match(old?.expr ?? '', /> 60\) and on/)
    assert.match(alerts.get('DownpourPushSlow')?.expr ?? '', /:p99 > 0\) and/)
    assert.match(alerts.get('DownpourPodsRestarting')?.expr ?? '', /\[2h\]/)
    assert.match(alerts.get('DownpourCheckpointFailing')?.expr ?? '', /\[15m\]/)
  })

  test('join by the label that names a cluster', () => {
    const objects = withMetrics({ clusterLabel: 'k8s_cluster', prometheusRule: { enabled: true } })
    const { groups } = specOf<{ groups: { rules: Rule[] }[] }>(objects, 'PrometheusRule')
    assert.match(groups[0]?.rules[0]?.expr ?? '', /on \(k8s_cluster, namespace, kind, job_name\)/)
  })

  test('lack an alert that is switched off', () => {
    const all = alertsOf({})
    const alerts = alertsOf({ alerts: { DownpourWorkerSlow: { enabled: false } } })
    assert.deepEqual(
      [...all.keys()].filter((name) => !alerts.has(name)),
      ['DownpourWorkerSlow'],
    )
  })
})

suite('monitors', { skip }, () => {
  test('keep the namespace of a job in the series of the operator', () => {
    const { endpoints } = specOf<Monitor>(withMetrics({ serviceMonitor: { enabled: true } }), 'ServiceMonitor')
    assert.deepEqual(
      endpoints?.map(({ honorLabels }) => honorLabels),
      [true],
    )
  })

  test('give series of pods the labels of the discovery', () => {
    const { podMetricsEndpoints: [endpoint] = [] } = specOf<Monitor>(
      withMetrics({ podMonitor: { enabled: true } }),
      'PodMonitor',
    )
    const meta = (label: string) => `__meta_kubernetes_pod_label_${label.replaceAll(/[./-]/g, '_')}`
    const [ofPort, ...others] = endpoint?.relabelings ?? []
    // A container that a webhook adds may have a port with the same name.
    const port = ['__meta_kubernetes_pod_container_port_number']
    assert.deepEqual(ofPort, { sourceLabels: port, action: 'keep', regex: String(PORTS.http) })
    assert.deepEqual(
      others.map(({ sourceLabels, targetLabel }) => [sourceLabels, targetLabel]),
      [
        [[meta(LABELS.jobKind)], 'kind'],
        [[meta(LABELS.jobName)], 'job_name'],
        [[meta(LABELS.role)], 'role'],
        [[meta(LABELS.index)], 'index'],
      ],
    )
  })

  test('take namespace, TLS, authorization and the limit of samples from the values', () => {
    const monitor = {
      ...{ enabled: true, namespace: 'monitoring', scheme: 'https', sampleLimit: 5000 },
      tlsConfig: { insecureSkipVerify: true },
      authorization: { credentials: { name: 'token', key: 'token' } },
    }
    const objects = withMetrics({ serviceMonitor: monitor, podMonitor: monitor })
    for (const kind of ['ServiceMonitor', 'PodMonitor']) {
      const [object] = ofKind(objects, kind)
      const { endpoints, podMetricsEndpoints, sampleLimit } = (object?.spec ?? {}) as Monitor
      const [endpoint] = (endpoints ?? podMetricsEndpoints ?? []) as (Endpoint & Record<string, unknown>)[]
      assert.deepEqual([object?.metadata.namespace, sampleLimit, endpoint?.scheme], ['monitoring', 5000, 'https'], kind)
      assert.deepEqual([endpoint?.tlsConfig, endpoint?.authorization], [monitor.tlsConfig, monitor.authorization], kind)
    }
  })
})

test('dashboards are in ConfigMaps that a sidecar finds, with the label of the cluster', { skip }, () => {
  const dashboards = { ...{ enabled: true, namespace: 'monitoring', folder: 'Training' }, labelValue: 'yes' }
  const maps = ofKind(withMetrics({ clusterLabel: 'region', dashboards }), 'ConfigMap')
  assert.deepEqual(maps.map(({ metadata }) => metadata.name).sort(), [
    'downpour-fleet',
    'downpour-job',
    'downpour-operator',
  ])
  for (const { metadata, ...map } of maps) {
    assert.equal(metadata.namespace, 'monitoring')
    assert.equal(metadata.labels?.grafana_dashboard, 'yes')
    assert.equal(metadata.annotations?.grafana_folder, 'Training')
    for (const text of Object.values((map as unknown as { data: Record<string, string> }).data)) {
      assert.ok((JSON.parse(text) as { panels: unknown[] }).panels.length > 5)
      assert.match(text, /region=~\\"\$cluster\\"/)
      assert.doesNotMatch(text, /__cluster__/)
    }
  }
})
