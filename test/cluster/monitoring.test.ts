/** What the chart creates for the Prometheus operator and for Grafana, on a real API server with their CRDs. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { type Kubectl, kubectlAt } from '../../tools/cluster/kubectl.ts'
import type { Cluster } from '../../tools/cluster/up.ts'
import { ALERTS } from '../../tools/monitoring/alerts.ts'
import { ofKind, type Rendered } from '../chart/chart.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { chartObjects, listOf } from './chart-objects.ts'
import { applyMonitoringCrds } from './crds.ts'

const NAMESPACE = `monitoring-${process.pid}`
/** Of monitors, rules and dashboards; not that of the release. */
const PROMETHEUS = `${NAMESPACE}-prometheus`
const MONITORING = '/apis/monitoring.coreos.com/v1'
const PATHS: Readonly<Record<string, string>> = {
  ServiceMonitor: `${MONITORING}/namespaces/${PROMETHEUS}/servicemonitors`,
  PodMonitor: `${MONITORING}/namespaces/${PROMETHEUS}/podmonitors`,
  PrometheusRule: `${MONITORING}/namespaces/${PROMETHEUS}/prometheusrules`,
  ConfigMap: `/api/v1/namespaces/${PROMETHEUS}/configmaps`,
}
const KINDS = Object.keys(PATHS)
const MAX_CONFIG_MAP_BYTES = 2 ** 20
const secret = (name: string) => ({ name, key: 'data', optional: true })
const folder = temporaryFolder()

/** Every field that the values can fill in. */
const MONITOR = {
  ...{ enabled: true, namespace: PROMETHEUS, interval: '15s', scrapeTimeout: '5s', honorLabels: true, scheme: 'https' },
  tlsConfig: {
    ca: { configMap: secret('ca') },
    cert: { secret: secret('certificate') },
    keySecret: secret('key'),
    serverName: 'downpour.example.com',
    insecureSkipVerify: false,
  },
  authorization: { type: 'Bearer', credentials: secret('token') },
  sampleLimit: 5000,
  labels: { release: 'prometheus' },
  relabelings: [
    {
      action: 'replace',
      sourceLabels: ['a', 'b'],
      separator: '/',
      regex: '(.+)/(.+)',
      replacement: '$1',
      targetLabel: 'c',
    },
    { action: 'hashmod', sourceLabels: ['a'], modulus: 4, targetLabel: 'd' },
  ],
  metricRelabelings: [{ action: 'drop', sourceLabels: ['__name__'], regex: 'nodejs_.*' }],
}
const [FIRST, SECOND, THIRD] = ALERTS.map(({ name }) => name) as [string, string, string]
const VALUES = {
  ...{ commonLabels: { team: 'a' }, commonAnnotations: { note: 'b' } },
  metrics: {
    service: { labels: { scrape: 'yes' }, annotations: { note: 'c' } },
    scrapeAnnotations: true,
    serviceMonitor: MONITOR,
    podMonitor: MONITOR,
    clusterLabel: 'k8s_cluster',
    prometheusRule: {
      ...{
        enabled: true,
        namespace: PROMETHEUS,
        labels: { role: 'alerts' },
        alertLabels: { team: 'ml' },
        window: '2m',
      },
      ...{ startupGraceSeconds: 60, runbookUrl: 'https://runbooks.example.com/' },
      alerts: {
        [FIRST]: {},
        [SECOND]: { severity: 'critical', threshold: 0.5, for: '90s', window: '3m', keepFiringFor: '10m' },
        [THIRD]: { enabled: false },
      },
    },
    dashboards: {
      ...{
        enabled: true,
        namespace: PROMETHEUS,
        label: 'example.com/dashboard',
        labelValue: 'yes',
        folder: 'Training',
      },
      ...{ folderAnnotation: 'example.com/folder', labels: { team: 'a' } },
    },
  },
}

let cluster: Cluster
let kubectl: Kubectl
let objects: Rendered[]

before(async () => {
  cluster = await ensureCluster()
  kubectl = kubectlAt(cluster.kubectl)
  await applyMonitoringCrds(cluster)
  for (const name of [NAMESPACE, PROMETHEUS]) await kubectl(['create', 'namespace', name])
  const all = await chartObjects(cluster, NAMESPACE, { ...VALUES, crds: { install: false } }, folder)
  objects = all.filter(({ kind }) => [...KINDS, 'Service', 'Deployment'].includes(kind))
})
after(async () => {
  for (const name of [NAMESPACE, PROMETHEUS]) await kubectl(['delete', 'namespace', name, '--wait=false'])
})

const apply = (items: readonly object[], ...options: string[]) =>
  kubectl(['apply', '--server-side', '--validate=strict', ...options, '-f', '-'], listOf(items))

/** Sends the object as it is: kubectl may have checks of its own, by its version. */
const createStrictly = (object: Rendered) =>
  kubectl(
    ['create', '--raw', `${PATHS[object.kind]}?dryRun=All&fieldValidation=Strict`, '-f', '-'],
    JSON.stringify(object),
  )

function only(kind: string): Rendered {
  const [object] = ofKind(objects, kind)
  assert.ok(object, `the chart has no ${kind}`)
  return object
}

test('the chart with every value of metrics has three dashboards, both monitors and the rules', () => {
  const counts = KINDS.map((kind) => ofKind(objects, kind).length)
  assert.deepEqual(counts, [1, 1, 1, 3])
})

test('the API server accepts all of it with strict validation', async () => {
  await apply(objects, '--dry-run=server')
  for (const kind of KINDS) for (const object of ofKind(objects, kind)) await createStrictly(object)
})

test('the API server stores every field as it was sent', async () => {
  await apply(objects)
  for (const kind of KINDS) {
    for (const object of ofKind(objects, kind)) {
      const { namespace = NAMESPACE, name } = object.metadata
      const stored = JSON.parse(await kubectl(['get', kind, name, '-n', namespace, '-o', 'json'])) as Rendered
      assert.equal(namespace, PROMETHEUS, kind)
      for (const field of ['spec', 'data'] as const) assert.deepEqual(contents(stored)[field], contents(object)[field])
      for (const field of ['labels', 'annotations'] as const)
        assert.deepEqual(stored.metadata[field], object.metadata[field], `${kind} ${name}`)
    }
  }
})

/** The CRD has one default, which the values leave out: the action of a relabeling. */
function contents(object: object): Record<'spec' | 'data', unknown> {
  const text = JSON.stringify(object, (key, value: unknown) =>
    /relabelings$/i.test(key) ? (value as object[]).map((one) => ({ action: 'replace', ...one })) : value,
  )
  return JSON.parse(text) as Record<'spec' | 'data', unknown>
}

suite('the API server refuses, by its path,', () => {
  const mistakes: [string, string, (spec: Record<string, unknown>) => void, RegExp][] = [
    [
      'a misspelt field of a relabeling',
      'PodMonitor',
      (spec) => Object.assign(at(spec, 'podMetricsEndpoints', 0, 'relabelings', 1), { targetLable: 'kind' }),
      /unknown field "spec\.podMetricsEndpoints\[0\]\.relabelings\[1\]\.targetLable"/,
    ],
    [
      'a misspelt field of a rule',
      'PrometheusRule',
      (spec) => Object.assign(at(spec, 'groups', 1, 'rules', 0), { keepFiringFor: '5m' }),
      /unknown field "spec\.groups\[1\]\.rules\[0\]\.keepFiringFor"/,
    ],
    [
      'an interval without unit',
      'ServiceMonitor',
      (spec) => Object.assign(at(spec, 'endpoints', 0), { interval: '15' }),
      /spec\.endpoints\[0\]\.interval: Invalid value/,
    ],
  ]
  for (const [what, kind, spoil, message] of mistakes) {
    test(what, async () => {
      const object = structuredClone(only(kind))
      spoil(object.spec ?? {})
      await assert.rejects(createStrictly(object), message)
    })
  }
})

test('each dashboard fits into a ConfigMap', async () => {
  for (const { metadata, ...rest } of ofKind(objects, 'ConfigMap')) {
    const { data } = rest as unknown as { data: Record<string, string> }
    const bytes = Object.values(data).reduce((sum, text) => sum + Buffer.byteLength(text), 0)
    assert.ok(bytes < MAX_CONFIG_MAP_BYTES / 2, `${metadata.name} has ${bytes} bytes`)
  }
})

/** @returns the object at a path */
function at(value: unknown, ...path: (string | number)[]): object {
  return path.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown>)[key], value) as object
}
