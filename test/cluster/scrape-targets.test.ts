/**
 * Every way in which a Prometheus finds pods gives their series the same labels: the operator's discovery, the chart's
 * monitors, and annotations. The pods are those that an operator has created on a real API server.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { load } from 'js-yaml'
import type { JobKind } from '../../src/contract/names.ts'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { type Kubectl, kubectlAt } from '../../tools/cluster/kubectl.ts'
import type { Cluster } from '../../tools/cluster/up.ts'
import { ofKind, type Values } from '../chart/chart.ts'
import { type Endpoints, endpointsRole, type Pod, podRole, type Service } from '../monitoring/kubernetes-targets.ts'
import { type ScrapeJob, scrapeJobOf } from '../monitoring/monitors.ts'
import { launchPrometheus, type Prometheus, type Target } from '../monitoring/prometheus.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { chartObjects, listOf } from './chart-objects.ts'
import { type OperatorProcess, openNamespace, type TestNamespace } from './fixture.ts'
import { createOddPods, ODD } from './odd-pods.ts'
import { JOBS, PODS_OF_JOBS, scrapedJob } from './scraped-jobs.ts'

const NAMESPACE = `scrape-${process.pid}`
const PATIENT = { timeoutMs: 60_000, intervalMs: 200 }
/** Fake nodes have no disk that a pod could request. */
const RESOURCES = { requests: { 'ephemeral-storage': null }, limits: { 'ephemeral-storage': null } }
/** What the Prometheus operator adds to the labels of the discovery. */
const OF_PODS = ['container', 'endpoint']
const OF_SERVICES = [...OF_PODS, 'service']
const folder = temporaryFolder()

let cluster: Cluster
let namespace: TestNamespace
let kubectl: Kubectl
let operator: OperatorProcess
let prometheus: Prometheus

before(async () => {
  cluster = await ensureCluster()
  kubectl = kubectlAt(cluster.kubectl)
  namespace = await openNamespace(NAMESPACE)
  const release = await rendered({ scrapeAnnotations: true })
  const items = ['ServiceAccount', 'Service', 'Deployment'].flatMap((kind) => ofKind(release, kind))
  await kubectl(['apply', '-f', '-'], listOf(items))
  operator = namespace.startOperator(['--scrape-annotations'], kubeconfigOfNamespace())
  await kubectl(['create', '-f', '-'], listOf(JOBS.map((job) => scrapedJob(NAMESPACE, ...job))))
  await eventually(async () => {
    const running = (await objects<Pod>('pods')).filter(({ status }) => status.phase === 'Running' && status.podIP)
    assert.equal(running.length, PODS_OF_JOBS + 1, operator.output())
  }, PATIENT)
  await createOddPods(kubectl, NAMESPACE)
  prometheus = await launchPrometheus(await configuration(), folder)
})
after(async () => {
  await prometheus?.stop()
  await namespace?.remove()
})

/** The release has a name of its own, because the discovery must find such an operator, too. */
function rendered(metrics: Values, values: Values = {}) {
  const monitors = { serviceMonitor: { enabled: true }, podMonitor: { enabled: true } }
  const all = { ...values, nameOverride: 'training', resources: RESOURCES, metrics: { ...monitors, ...metrics } }
  return chartObjects(cluster, NAMESPACE, all, folder)
}

/** The discovery looks for the operator's replicas in the namespace of its context, as in that of its pod. */
function kubeconfigOfNamespace(): string {
  const config = JSON.parse(readFileSync(namespace.account.kubeconfig, 'utf8')) as { contexts: { context: object }[] }
  for (const one of config.contexts) one.context = { ...one.context, namespace: NAMESPACE }
  const file = join(folder, 'kubeconfig')
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 })
  return file
}

async function objects<T>(kind: string): Promise<T[]> {
  return (JSON.parse(await kubectl(['get', kind, '-n', NAMESPACE, '-o', 'json'])) as { items: T[] }).items
}

/** One scrape job for each way; none of them scrapes before the end of the test. */
async function configuration(): Promise<object> {
  const pods = await objects<Pod>('pods')
  const endpoints = endpointsRole(await objects<Endpoints>('endpoints'), await objects<Service>('services'), pods)
  const file = (name: string, groups: object) => {
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(groups))
    return { file_sd_configs: [{ files: [`${name}.json`] }] }
  }
  const discovery = file('discovery', JSON.parse(await operator.get('/discovery')))
  const [ofPods, ofServices] = [file('pods', podRole(pods)), file('endpoints', endpoints)]
  const job = async (name: string, kind: string, values: Values, targets: object) => {
    const [monitor] = ofKind(await rendered({}, values), kind)
    assert.ok(monitor, `the chart has no ${kind}`)
    return { ...scrapeJobOf(monitor), job_name: name, ...targets }
  }
  return {
    global: { scrape_interval: '1h' },
    scrape_configs: [
      { job_name: 'discovery', ...discovery },
      { ...annotationJob(), job_name: 'annotations', ...ofPods },
      await job('pod monitor', 'PodMonitor', {}, ofPods),
      await job('pod monitor of another namespace', 'PodMonitor', { watchNamespaces: ['other'] }, ofPods),
      await job('service monitor', 'ServiceMonitor', {}, ofServices),
    ],
  }
}

function annotationJob(): ScrapeJob {
  const {
    scrape_configs: [job],
  } = load(readFileSync('deploy/monitoring/scrape-by-annotation.yaml', 'utf8')) as {
    scrape_configs: [ScrapeJob & { kubernetes_sd_configs: object }]
  }
  const { kubernetes_sd_configs: _of, ...rest } = job
  return rest
}

/** @returns labels by address, without those that are Prometheus' own or `added` */
async function labelsOf(pool: string, added: readonly string[] = []): Promise<Map<string, object>> {
  const targets = (await prometheus.targets()).filter(({ scrapePool }) => scrapePool === pool)
  const pairs = targets.map(({ labels: { instance = '', job: _job, ...labels } }) => {
    for (const label of added) assert.ok(labels[label], `${pool}: ${instance} has no label ${label}`)
    return [instance, Object.fromEntries(Object.entries(labels).filter(([name]) => !added.includes(name)))] as const
  })
  assert.equal(new Set(pairs.map(([instance]) => instance)).size, pairs.length, `${pool} has an address twice`)
  return new Map(pairs.sort(([one], [other]) => (one < other ? -1 : 1)))
}

type Labels = Target['labels']
/** @param isIncluded by its labels; the ways differ in what they look for, not in what they write */
async function discovered(isIncluded: (labels: Labels) => boolean): Promise<Map<string, object>> {
  const all = await eventually(async () => {
    const found = await labelsOf('discovery')
    assert.ok(found.size > 0, 'Prometheus has read no targets yet')
    return found
  }, PATIENT)
  return new Map([...all].filter(([, labels]) => isIncluded(labels as Labels)))
}

test('the discovery has every pod of every job with kind, name, role and index, and the operator of the release', async () => {
  const pods = [...(await discovered(({ pod }) => !(Object.values(ODD) as string[]).includes(pod ?? '')))]
  const names = pods.map(([, labels]) => {
    const { namespace: where, kind, job_name, role, index } = labels as Labels
    assert.equal(where, NAMESPACE)
    return kind ? `${kind} ${job_name} ${role} ${index}` : 'operator'
  })
  const ofJob = ([kind, name]: [JobKind, string]) =>
    ['evaluator 0', 'ps 0', 'worker 0', 'worker 1'].map((place) => `${kind} ${name} ${place}`)
  assert.deepEqual(names.sort(), [...JOBS.flatMap(ofJob), 'operator'].sort())
})

test('the PodMonitor finds the same pods of jobs with the same labels, one address of each', async () => {
  const wanted = await discovered(({ kind, pod }) => kind !== undefined && pod !== ODD.portless)
  await eventually(async () => assert.deepEqual(await labelsOf('pod monitor', OF_PODS), wanted), PATIENT)
})

test('the ServiceMonitor finds the operator with the same labels', async () => {
  const wanted = await discovered(({ kind }) => kind === undefined)
  assert.equal(wanted.size, 1)
  await eventually(async () => assert.deepEqual(await labelsOf('service monitor', OF_SERVICES), wanted), PATIENT)
})

test('a scrape by annotation finds the pods of jobs and the operator with the same labels', async () => {
  const wanted = await discovered(({ job_name }) => job_name !== 'by-hand')
  await eventually(async () => assert.deepEqual(await labelsOf('annotations'), wanted), PATIENT)
})

test('pods that have ended, have no port for metrics, or belong to others are no targets of the PodMonitor', async () => {
  const pods = [...(await labelsOf('pod monitor'))].map(([, labels]) => (labels as Labels).pod ?? '')
  assert.deepEqual(
    pods.filter((pod) => (Object.values(ODD) as string[]).includes(pod)),
    [ODD.withSidecar],
  )
})

test('the PodMonitor of an operator that watches other namespaces finds none', async () => {
  assert.deepEqual(await labelsOf('pod monitor of another namespace'), new Map())
})
