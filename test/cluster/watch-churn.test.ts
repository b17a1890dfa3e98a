/** A day's faults of an operator's watches within minutes: cut connections, expired resourceVersions, restarts of the API server. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createRandom, type Random } from '../../src/support/random.ts'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { eventually } from '../support/eventually.ts'
import { type ApiProxy, openApiProxy } from './api-proxy.ts'
import { type OperatorProcess, openNamespace, type TestNamespace } from './fixture.ts'
import { expectedState, observedStates } from './job-states.ts'
import { Population } from './population.ts'
import { restart } from './restart.ts'

/** API servers end a watch after 5 to 10 minutes, about 200 times a day; here a cut takes a second. */
const CUTS = Number(process.env.DOWNPOUR_CHURN_CUTS ?? 60)
const RESTARTS = Math.max(4, Math.round(CUTS / 20))
/** Number of changes while the operator is disconnected. */
const UNSEEN_CHANGES = 8
const MIN_PAUSE_MS = 150
const MAX_PAUSE_MS = 350
/** A connection attempt fails after 10 s at most; the longest back-off of a watch is 30 s. */
const RECONNECTED_MS = 10_000 + 30_000 + 5_000
/** The longest back-off of a watch, the start of a garbage collector that frees names, and the 10 s retry of jobs that need them. */
const SETTLED_MS = 30_000 + 35_000 + 10_000
/** The memory limit in the chart. */
const MAX_RSS_BYTES = 512 * 2 ** 20
const SEED = Number(process.env.DOWNPOUR_CHURN_SEED ?? Date.now() % 1e6)

let namespace: TestNamespace
let apiProxy: ApiProxy
before(async () => {
  namespace = await openNamespace(`churn-${process.pid}`)
  apiProxy = await openApiProxy(namespace.account.kubeconfig)
})
after(async () => {
  // The test may have failed while the API server was down; later tests need it.
  await ensureCluster()
  await namespace.remove()
  await apiProxy.close()
})

test('cut watches, expired versions and restarts of the API server: the operator misses no change', async (t) => {
  t.diagnostic(`seed ${SEED} (DOWNPOUR_CHURN_SEED)`)
  const random = createRandom(SEED)
  const population = new Population(namespace, random)
  const operator = namespace.startOperator(['--no-leader-elect'], apiProxy.kubeconfig)
  await eventually(async () => assert.match(await operator.get('/readyz'), /^ok/), { timeoutMs: 20_000 })
  const startedMs = performance.now()
  const rssBefore = await metric(operator, 'process_resident_memory_bytes')
  for (let cut = 0; cut < CUTS; cut++) {
    await churn(population, random)
    if (cut % Math.ceil(CUTS / RESTARTS) === 0) await restartApiServer(population)
  }
  const churnedMs = performance.now() - startedMs
  // The garbage collector backs off for many minutes from requests that failed while the API server was down; a restart
  // resets the back-off.
  await restart('kube-controller-manager')
  await eventually(() => assertSettled(operator, population), { timeoutMs: SETTLED_MS, intervalMs: 250 }).catch(
    (error: unknown) => {
      t.diagnostic(operator.output())
      throw error
    },
  )
  const settledMs = performance.now() - startedMs - churnedMs
  assert.equal(operator.child.exitCode, null, operator.output())
  const measured = await measure(operator)
  const { broken } = apiProxy.proxy
  t.diagnostic(`${JSON.stringify(population.changeCounts)}`)
  t.diagnostic(`${CUTS} cuts of ${broken} connections, ${RESTARTS} restarts; ${JSON.stringify(measured)}`)
  t.diagnostic(
    `churn ${seconds(churnedMs)} s, settled ${seconds(settledMs)} s later; RSS ${mebibytes(rssBefore)} MiB before`,
  )
  assert.ok(broken >= CUTS)
  // The number of expired versions depends on which caches the new API server has filled by then, and some cuts hit a
  // connection before its watch started; so both have only lower bounds.
  const { expired, relists, reconnects } = measured
  assert.ok(expired > 0 && relists >= expired && reconnects >= CUTS / 2, JSON.stringify(measured))
  assert.ok(measured.rssMiB < MAX_RSS_BYTES / 2 ** 20)
})

/** Makes one change, and soon afterwards cuts the operator's connections, either at once or in the middle of a response. */
async function churn(population: Population, random: Random): Promise<void> {
  const { proxy } = apiProxy
  await population.change()
  await eventually(() => assert.ok(proxy.talking > 0), { timeoutMs: RECONNECTED_MS })
  await delay(MIN_PAUSE_MS + random.int(MAX_PAUSE_MS - MIN_PAUSE_MS))
  if (random.int(2) === 0) return proxy.cut()
  const { broken } = proxy
  proxy.truncateAfter(1 + random.int(4000), 'response')
  await eventually(() => assert.ok(proxy.broken > broken), { timeoutMs: 250 }).catch(() => proxy.cut())
}

/** Restarts the API server and makes changes that no watch reports: the new caches start after the operator's versions. */
async function restartApiServer(population: Population): Promise<void> {
  apiProxy.down()
  for (let change = 0; change < UNSEEN_CHANGES; change++) await population.change()
  await restart('kube-apiserver')
  apiProxy.up()
}

async function assertSettled(operator: OperatorProcess, { desired }: Population): Promise<void> {
  const expected = Object.fromEntries([...desired].map(([name, job]) => [name, expectedState(name, job)]))
  assert.deepEqual(await observedStates(namespace), expected)
  const phases = Object.fromEntries(Object.entries(expected).map(([name, { phase }]) => [name, phase]))
  assert.deepEqual(phasesIn(await operator.get('/metrics')), phases, 'the metrics show other phases')
  assert.match(await operator.get('/readyz'), /^ok/)
}

function phasesIn(metrics: string): Record<string, string> {
  const lines = metrics.matchAll(/^downpour_job_phase\{.*job_name="(.+?)",phase="(.+?)"\} 1$/gm)
  return Object.fromEntries([...lines].map(([, name, phase]) => [name, phase]))
}

async function measure(operator: OperatorProcess) {
  const [relists, reconnects, expired, rss] = await Promise.all([
    metric(operator, 'downpour_watch_relists_total'),
    metric(operator, 'downpour_watch_reconnects_total'),
    metric(operator, 'downpour_watch_expired_total'),
    metric(operator, 'process_resident_memory_bytes'),
  ])
  return { relists, reconnects, expired, rssMiB: mebibytes(rss) }
}

/** @returns the sum of a metric over all labels */
async function metric(operator: OperatorProcess, name: string): Promise<number> {
  const lines = (await operator.get('/metrics')).matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))
  return [...lines].reduce((sum, [, value]) => sum + Number(value), 0)
}

const seconds = (ms: number) => (ms / 1000).toFixed(1)
const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20)
