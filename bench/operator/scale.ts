/**
 * `npm run bench:scale [-- --jobs 500]`: this number of PretrainJobs of 51 pods each, on a few fake nodes as large as
 * needed. Measures the peak memory of the operator, its reconcile times while it creates pods and afterwards, the lag of
 * its event loop, surplus pods, and the time that a new operator needs to reconcile all jobs.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { API_VERSION, LABELS, PLURALS, podName } from '../../src/contract/names.ts'
import { KubeClient } from '../../src/kube/client.ts'
import { mapLimit } from '../../src/kube/map-limit.ts'
import type { KubeObject } from '../../src/kube/objects.ts'
import { silentLog } from '../../src/support/log.ts'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { kubectlAt } from '../../tools/cluster/kubectl.ts'
import { machineText } from '../figures.ts'
import { untilQuiet } from './api-writes.ts'
import { downpour, PODS, WORKERS } from './contenders.ts'
import { makeLargeNodes, removeLargeNodes } from './large-nodes.ts'
import { failPod } from './lose-pod.ts'
import { NAMESPACE } from './measure.ts'
import { type Histogram, type OperatorFigures, quantile, startOperatorProcess, totalOf } from './operator-process.ts'
import { prepareNamespace } from './prepare.ts'

const LIMIT_MS = 30 * 60_000
/** Each pod would fail once in 3.5 hours. At this size on 2 cores kwok starts at most 3 pods a second, and more would only queue. */
const LOSS_EVERY_MS = 500

const { values } = parseArgs({
  options: { jobs: { type: 'string', default: '500' }, out: { type: 'string', default: 'bench/results/scale.json' } },
})
const jobs = Number(values.jobs)
const cluster = await ensureCluster()
const kubectl = kubectlAt(cluster.kubectl)
const client = new KubeClient({ kubeConfig: cluster.kubeconfig, log: silentLog, limits: { qps: 1e6, burst: 1e6 } })
const JOBS = { apiVersion: API_VERSION, plural: PLURALS.PretrainJob, namespace: NAMESPACE }
const PODS_PATH = `/api/v1/namespaces/${NAMESPACE}/pods`
const PODS_OF = { apiVersion: 'v1', plural: 'pods', namespace: NAMESPACE }

type Job = KubeObject & { status?: { phase?: string; workersReady?: number; restarts?: { total?: number } } }

const isRunning = ({ status }: Job) => status?.phase === 'Running' && status.workersReady === PODS - 1

const untilRunning = (count: number) => untilEvery(isRunning, 'run', count)

async function untilEvery(holds: (job: Job) => boolean, what: string, count: number): Promise<void> {
  const startedMs = performance.now()
  while (performance.now() - startedMs < LIMIT_MS) {
    const { items } = await client.list<Job>(JOBS)
    const done = items.filter(holds).length
    process.stdout.write(`${done} of ${count} jobs ${what}\n`)
    if (done === count) return
    await delay(count > 100 ? 10_000 : 2000)
  }
  throw new Error(`not all of ${count} jobs ${what} after ${LIMIT_MS / 60_000} minutes`)
}

/** Counts pods, and those that belong to no job. Names are unique, so no job can have a pod twice. */
async function countPods(count: number) {
  const selector = { labelSelector: LABELS.jobUid }
  const pods = await client.list(PODS_OF, { ...selector, trim: ({ metadata }) => ({ metadata }) })
  const services = await client.list({ ...PODS_OF, plural: 'services' }, selector)
  const { items } = await client.list(JOBS)
  const expected = new Set(items.flatMap(({ metadata }) => podNames(metadata.name)))
  const orphans = pods.items.filter(({ metadata }) => !expected.has(metadata.name)).length
  return { pods: pods.items.length, expected: count * PODS, orphans, services: services.items.length }
}

function podNames(job: string): string[] {
  const workers = Array.from({ length: WORKERS }, (_, index) => podName('PretrainJob', job, 'worker', index))
  return [podName('PretrainJob', job, 'ps', 0), ...workers]
}

/** Fails a worker of each job, one after the other. @returns seconds until all jobs run completely again */
async function loseWorkers(count: number): Promise<number> {
  const { items } = await client.list(JOBS)
  const startedMs = performance.now()
  for (const { metadata } of items) {
    await failPod(client, podName('PretrainJob', metadata.name, 'worker', 7))
    await delay(LOSS_EVERY_MS)
  }
  await untilEvery(({ status }) => (status?.restarts?.total ?? 0) > 0, 'have replaced a pod', count)
  await untilRunning(count)
  return (performance.now() - startedMs) / 1000
}

/** Deletes the pods job by job, because one request for all of them would time out. */
async function removeAll(): Promise<void> {
  const { items } = await client.list(JOBS)
  await kubectl(['delete', '--raw', `/apis/${API_VERSION}/namespaces/${NAMESPACE}/pretrainjobs`])
  await mapLimit(items, 10, ({ metadata: { name } }) =>
    kubectl(['delete', '--raw', `${PODS_PATH}?gracePeriodSeconds=0&labelSelector=${LABELS.jobName}=${name}`]),
  )
}

const summaryOf = (figures: OperatorFigures, before?: Histogram) => ({
  ...figures,
  reconciles: totalOf(figures.reconciles) - totalOf(before ?? []),
  reconcileP50: quantile(figures.reconciles, 0.5, before),
  reconcileP99: quantile(figures.reconciles, 0.99, before),
})

await prepareNamespace(client, kubectl)
await makeLargeNodes(client, jobs * PODS)
let operator = await startOperatorProcess(cluster.kubeconfig)
try {
  const indices = Array.from({ length: jobs }, (_, job) => job)
  const startedMs = performance.now()
  await mapLimit(indices, 20, (job) => downpour.begin(client, job))
  await untilRunning(jobs)
  const secondsUntilAllRun = (performance.now() - startedMs) / 1000
  // Events, statuses and queued work of kwok continue after the last pod runs; they are part of the start.
  await untilQuiet(kubectl)
  const secondsUntilQuiet = (performance.now() - startedMs) / 1000
  const atFirst = await operator.figures()
  const secondsUntilWorkersAreReplaced = await loseWorkers(jobs)
  const later = await operator.figures()
  const found = await countPods(jobs)
  await operator.stop()
  const restartedMs = performance.now()
  operator = await startOperatorProcess(cluster.kubeconfig)
  await operator.untilReconciled(jobs)
  const restartSeconds = (performance.now() - restartedMs) / 1000
  const facts = {
    machine: machineText(),
    jobs,
    secondsUntilAllRun,
    secondsUntilQuiet,
    whileCreating: summaryOf(atFirst),
    secondsUntilWorkersAreReplaced,
    oncePodsExist: summaryOf(later, atFirst.reconciles),
    found,
    restartSeconds,
    afterRestart: summaryOf(await operator.figures()),
  }
  console.log(JSON.stringify(facts, null, 2))
  await mkdir('bench/results', { recursive: true })
  await writeFile(values.out, `${JSON.stringify(facts, null, 2)}\n`)
} finally {
  await operator.stop()
  await removeAll()
  await removeLargeNodes(client)
  await client.close()
}
