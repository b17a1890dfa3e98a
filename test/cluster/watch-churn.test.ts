/** What a day brings to the watches of an operator, pressed together: cut streams, versions that are gone, API servers that restart. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createRandom, type Random } from '../../src/support/random.ts'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { eventually } from '../support/eventually.ts'
import { lookAround, wantedSight } from './census.ts'
import { type OperatorProcess, openNamespace, type TestNamespace } from './fixture.ts'
import { type Line, openLine } from './line.ts'
import { Population } from './population.ts'
import { restart } from './restart.ts'

/** API servers end a watch after 5 to 10 minutes, about 200 times a day; each takes a second here. */
const CUTS = Number(process.env.DOWNPOUR_CHURN_CUTS ?? 60)
const RESTARTS = Math.max(4, Math.round(CUTS / 20))
/** Changes that happen while the operator cannot see. */
const UNSEEN = 8
const MIN_PAUSE_MS = 150
const MAX_PAUSE_MS = 350
/** A connection that was reset while it opened is given up after 10 s; the longest back-off of a watch is 30 s. */
const RECONNECTED_MS = 10_000 + 30_000 + 5_000
/** The longest back-off of a watch, a new garbage collector that frees names, a 10 s pause of jobs that wait for them. */
const SETTLED_MS = 30_000 + 35_000 + 10_000
/** The limit of the chart. */
const MAX_RSS_BYTES = 512 * 2 ** 20
const SEED = Number(process.env.DOWNPOUR_CHURN_SEED ?? Date.now() % 1e6)

let namespace: TestNamespace
let line: Line
before(async () => {
  namespace = await openNamespace(`churn-${process.pid}`)
  line = await openLine(namespace.account.kubeconfig)
})
after(async () => {
  // Whatever went wrong, others find an API server.
  await ensureCluster()
  await namespace.remove()
  await line.close()
})

test('cut watches, versions that are gone and API servers that restart: nothing is missed', async (t) => {
  t.diagnostic(`seed ${SEED} (DOWNPOUR_CHURN_SEED)`)
  const random = createRandom(SEED)
  const population = new Population(namespace, random)
  const operator = namespace.startOperator(['--no-leader-elect'], line.kubeconfig)
  await eventually(async () => assert.match(await operator.ask('/readyz'), /^ok/), { timeoutMs: 20_000 })
  const startedMs = performance.now()
  const rssBefore = await figure(operator, 'process_resident_memory_bytes')
  for (let cut = 0; cut < CUTS; cut++) {
    await churn(population, random)
    if (cut % Math.ceil(CUTS / RESTARTS) === 0) await restartUnseen(population)
  }
  const churnedMs = performance.now() - startedMs
  // Its garbage collector puts off for many minutes what it could not look up while the API server was away.
  await restart('kube-controller-manager')
  await eventually(() => assertSettled(operator, population), { timeoutMs: SETTLED_MS, intervalMs: 250 }).catch(
    (error: unknown) => {
      t.diagnostic(operator.output())
      throw error
    },
  )
  const settledMs = performance.now() - startedMs - churnedMs
  assert.equal(operator.child.exitCode, null, operator.output())
  const facts = await figuresOf(operator)
  t.diagnostic(`${JSON.stringify(population.acts)}`)
  t.diagnostic(`${CUTS} cuts of ${line.proxy.broken} connections, ${RESTARTS} restarts; ${JSON.stringify(facts)}`)
  t.diagnostic(
    `churn ${seconds(churnedMs)} s, settled ${seconds(settledMs)} s later; RSS ${mebibytes(rssBefore)} MiB before`,
  )
  assert.ok(line.proxy.broken >= CUTS)
  // How many versions are gone depends on which of its caches the new API server has filled when it is asked; some cuts
  // meet a connection that has no watch yet.
  const { expired, relists, reconnects } = facts
  assert.ok(expired > 0 && relists >= expired && reconnects >= CUTS / 2, JSON.stringify(facts))
  assert.ok(facts.rssMiB < MAX_RSS_BYTES / 2 ** 20)
})

/** A change, and the operator's connections cut a moment later: at rest, or in the middle of an answer. */
async function churn(population: Population, random: Random): Promise<void> {
  await population.act()
  await eventually(() => assert.ok(line.proxy.talking > 0), { timeoutMs: RECONNECTED_MS })
  await delay(MIN_PAUSE_MS + random.int(MAX_PAUSE_MS - MIN_PAUSE_MS))
  if (random.int(2) === 0) return line.proxy.cut()
  const { broken } = line.proxy
  line.proxy.truncateAfter(1 + random.int(4000), 'response')
  await eventually(() => assert.ok(line.proxy.broken > broken), { timeoutMs: 250 }).catch(() => line.proxy.cut())
}

/** What changed meanwhile is in no watch: the operator's versions are older than the new API server's caches. */
async function restartUnseen(population: Population): Promise<void> {
  line.down()
  for (let act = 0; act < UNSEEN; act++) await population.act()
  await restart('kube-apiserver')
  line.up()
}

async function assertSettled(operator: OperatorProcess, { wishes }: Population): Promise<void> {
  const wanted = Object.fromEntries([...wishes].map(([name, wish]) => [name, wantedSight(name, wish)]))
  assert.deepEqual(await lookAround(namespace), wanted)
  const phases = Object.fromEntries(Object.entries(wanted).map(([name, { phase }]) => [name, phase]))
  assert.deepEqual(phasesIn(await operator.ask('/metrics')), phases, 'the operator remembers another world')
  assert.match(await operator.ask('/readyz'), /^ok/)
}

function phasesIn(metrics: string): Record<string, string> {
  const lines = metrics.matchAll(/^downpour_job_phase\{.*job_name="(.+?)",phase="(.+?)"\} 1$/gm)
  return Object.fromEntries([...lines].map(([, name, phase]) => [name, phase]))
}

async function figuresOf(operator: OperatorProcess) {
  const [relists, reconnects, expired, rss] = await Promise.all([
    figure(operator, 'downpour_watch_relists'),
    figure(operator, 'downpour_watch_reconnects'),
    figure(operator, 'downpour_watch_expired'),
    figure(operator, 'process_resident_memory_bytes'),
  ])
  return { relists, reconnects, expired, rssMiB: mebibytes(rss) }
}

/** The sum over its labels. */
async function figure(operator: OperatorProcess, name: string): Promise<number> {
  const lines = (await operator.ask('/metrics')).matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))
  return [...lines].reduce((sum, [, value]) => sum + Number(value), 0)
}

const seconds = (ms: number) => (ms / 1000).toFixed(1)
const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20)
