/**
 * `npm run bench:scale [-- --jobs 500]`: so many PretrainJobs of 51 pods each on a few fake nodes as large as needed.
 * Peak memory of the operator, reconcile time, event-loop lag, what is there twice or too much, and how long a new
 * operator needs until it has looked at everything.
 */

import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { API_VERSION, PLURALS } from '../../src/contract/names.ts'
import { KubeClient } from '../../src/kube/client.ts'
import { mapLimit } from '../../src/kube/map-limit.ts'
import type { KubeObject } from '../../src/kube/objects.ts'
import { silentLog } from '../../src/support/log.ts'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { kubectlAt } from '../../tools/cluster/kubectl.ts'
import { downpour, PODS } from './contenders.ts'
import { makeLargeNodes, removeLargeNodes } from './large-nodes.ts'
import { NAMESPACE } from './measure.ts'
import { startOperatorProcess } from './operator-process.ts'
import { prepareNamespace } from './prepare.ts'

const OUT = 'bench/results/scale.json'
const LIMIT_MS = 30 * 60_000

const { values } = parseArgs({ options: { jobs: { type: 'string', default: '500' } } })
const jobs = Number(values.jobs)
const cluster = await ensureCluster()
const kubectl = kubectlAt(cluster.kubectl)
const client = new KubeClient({ kubeConfig: cluster.kubeconfig, log: silentLog, limits: { qps: 1e6, burst: 1e6 } })
const JOBS = { apiVersion: API_VERSION, plural: PLURALS.PretrainJob, namespace: NAMESPACE }

type Job = KubeObject & { status?: { phase?: string; workersReady?: number } }

/** Until every job says that it runs, with all its workers. @returns seconds */
async function untilRunning(count: number): Promise<number> {
  const startedMs = performance.now()
  while (performance.now() - startedMs < LIMIT_MS) {
    const { items } = await client.list<Job>(JOBS)
    const running = items.filter(({ status }) => status?.phase === 'Running' && status.workersReady === PODS - 1).length
    process.stdout.write(`${running} of ${count} jobs run\n`)
    if (running === count) return (performance.now() - startedMs) / 1000
    await delay(5000)
  }
  throw new Error(`not all of ${count} jobs run after ${LIMIT_MS / 60_000} minutes`)
}

/** Pods that should not be there, or are missing. */
async function countStrays(count: number): Promise<{ pods: number; expected: number; services: number }> {
  const selector = { labelSelector: 'downpour.dev/job-uid' }
  const pods = await client.list({ apiVersion: 'v1', plural: 'pods', namespace: NAMESPACE }, selector)
  const services = await client.list({ apiVersion: 'v1', plural: 'services', namespace: NAMESPACE }, selector)
  return { pods: pods.items.length, expected: count * PODS, services: services.items.length }
}

await prepareNamespace(client, kubectl)
await makeLargeNodes(client, jobs * PODS)
let operator = await startOperatorProcess(cluster.kubeconfig)
try {
  await mapLimit(
    Array.from({ length: jobs }, (_, job) => job),
    20,
    (job) => downpour.begin(client, job),
  )
  const seconds = await untilRunning(jobs)
  await operator.settle()
  const first = await operator.figures()
  const strays = await countStrays(jobs)
  await operator.stop()
  const startedMs = performance.now()
  operator = await startOperatorProcess(cluster.kubeconfig)
  await operator.untilReconciled(jobs)
  const restartSeconds = (performance.now() - startedMs) / 1000
  await operator.settle()
  const again = await operator.figures()
  const machine = `${availableParallelism()} cores of ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}`
  const facts = { machine, jobs, secondsUntilAllRun: seconds, first, strays, restartSeconds, again }
  console.log(JSON.stringify(facts, null, 2))
  await mkdir('bench/results', { recursive: true })
  await writeFile(OUT, `${JSON.stringify(facts, null, 2)}\n`)
} finally {
  await operator.stop()
  await kubectl(['delete', 'pretrainjobs', '--all', '-n', NAMESPACE, '--wait=false'])
  await kubectl(['delete', 'pods', '--all', '-n', NAMESPACE, '--wait=false', '--grace-period=0', '--force'])
  await removeLargeNodes(client)
  await client.close()
}
