/**
 * `npm run bench:operator [-- --runs 20]`: the time from creating a job until its 51 pods run, on fake GPU nodes of a real
 * API server, for Downpour, Kubeflow's training-operator, an Indexed Job, and two scripts that only POST pods: minimal ones
 * (`posts`) and Downpour's own (`posts-same-pods`). Each round runs every contender once, so that other load of the machine
 * affects all of them. The order is random, because with a fixed order the garbage collections of the API server could
 * always hit the same contender. Starts the cluster that it needs (`npm run cluster`).
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { podName } from '../../src/contract/names.ts'
import { KubeClient } from '../../src/kube/client.ts'
import { silentLog } from '../../src/support/log.ts'
import { createRandom, type Random } from '../../src/support/random.ts'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { type Kubectl, kubectlAt } from '../../tools/cluster/kubectl.ts'
import { type Counts, difference, QUIET_MS, readWrites, sumOf, untilQuiet } from './api-writes.ts'
import { type Contender, downpour, indexedJob, PODS, posts, samePods, trainingOperator } from './contenders.ts'
import { measureReplacement } from './lose-pod.ts'
import { measureStart, percentile, type Start, untilGone } from './measure.ts'
import { quantile, startOperatorProcess } from './operator-process.ts'
import { prepareNamespace } from './prepare.ts'

const OUT = 'bench/results/operator.json'
/** Workers that are failed to measure their replacement. */
const FAILED_WORKERS = 5

interface Run extends Start {
  writes: Counts
}

async function runOnce(contender: Contender, round: number, client: KubeClient, kubectl: Kubectl): Promise<Run> {
  // A controller may still write seconds after its job was deleted. These writes must not count for the next contender.
  const before = await untilQuiet(kubectl)
  const selector = contender.selector(round)
  const start = await measureStart(client, selector, PODS, () => contender.begin(client, round))
  // Writes shortly after the last pod runs, such as a status, are part of the start.
  await delay(QUIET_MS)
  const writes = difference(await readWrites(kubectl), before)
  await contender.end(client, round)
  await untilGone(client, selector)
  return { ...start, writes }
}

function summary(name: string, runs: readonly Run[]) {
  const percentileOf = (pick: (run: Run) => number, fraction: number) => percentile(runs.map(pick), fraction)
  const writes = (pattern: RegExp) => percentileOf((run) => sumOf(run.writes, pattern), 0.5)
  return {
    name,
    runs: runs.length,
    createdSecondsP50: percentileOf((run) => run.createdSeconds, 0.5),
    runningSecondsP50: percentileOf((run) => run.runningSeconds, 0.5),
    runningSecondsP99: percentileOf((run) => run.runningSeconds, 0.99),
    objects: writes(/^POST (pods|services)$/),
    statusWrites: writes(/ (pretrainjobs|jobs|tfjobs)\/status$/),
    eventWrites: writes(/ events$/),
  }
}

/**
 * Starts one more job and fails five of its workers, then its parameter server, one at a time.
 * @returns for each role, the median seconds until the replacement runs
 */
async function measureReplacements(client: KubeClient, round: number) {
  const failEach = async (names: readonly string[]) => {
    const seconds: number[] = []
    for (const name of names) seconds.push(await measureReplacement(client, name))
    return percentile(seconds, 0.5)
  }
  const name = (role: 'ps' | 'worker', index: number) => podName('PretrainJob', `downpour-${round}`, role, index)
  const selector = downpour.selector(round)
  await measureStart(client, selector, PODS, () => downpour.begin(client, round))
  const workerSeconds = await failEach(Array.from({ length: FAILED_WORKERS }, (_, index) => name('worker', index)))
  const parameterServerSeconds = await failEach([name('ps', 0)])
  await downpour.end(client, round)
  await untilGone(client, selector)
  return { workerSeconds, parameterServerSeconds }
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const drawn = items.map((item) => ({ item, at: random.next() }))
  return drawn.toSorted((a, b) => a.at - b.at).map(({ item }) => item)
}

const ALL = [posts, samePods, downpour, indexedJob, trainingOperator]
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
    only: { type: 'string', default: ALL.map(({ name }) => name).join() },
  },
})
const names = values.only.split(',')
const unknown = names.filter((name) => !ALL.some((contender) => contender.name === name))
if (unknown.length > 0) {
  throw new Error(`--only: unknown ${unknown.join(', ')}; known are ${ALL.map(({ name }) => name).join(', ')}`)
}
const contenders = ALL.filter(({ name }) => names.includes(name))
const cluster = await ensureCluster({ trainingOperator: contenders.includes(trainingOperator) })
const kubectl = kubectlAt(cluster.kubectl)
const client = new KubeClient({
  kubeConfig: cluster.kubeconfig,
  log: silentLog,
  limits: { qps: 1e6, burst: 1e6 },
})
await prepareNamespace(client, kubectl)
const random = createRandom(Number(values.seed))
process.stdout.write(`to repeat this order, pass --seed ${values.seed}\n`)
const operator = await startOperatorProcess(cluster.kubeconfig)
const results = new Map<Contender, Run[]>(contenders.map((contender) => [contender, []]))
try {
  for (let round = 0; round <= Number(values.runs); round++) {
    for (const contender of shuffled(contenders, random)) {
      const result = await runOnce(contender, round, client, kubectl)
      // The first run of each contender warms caches and connections and is not counted.
      if (round > 0) results.get(contender)?.push(result)
      process.stdout.write(`${round} ${contender.name}: Running after ${result.runningSeconds.toFixed(2)} s\n`)
    }
  }
  const table = contenders.map((contender) => summary(contender.name, results.get(contender) ?? []))
  const p50 = (name: string) => table.find((row) => row.name === name)?.runningSecondsP50 ?? Number.NaN
  const ratios = Object.fromEntries(
    ['posts', 'posts-same-pods', 'indexed-job', 'training-operator'].map((name) => [name, p50('downpour') / p50(name)]),
  )
  console.table(table)
  console.log('Median seconds until Running, Downpour divided by:', ratios)
  const machine = `${availableParallelism()} cores of ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}`
  await mkdir('bench/results', { recursive: true })
  const untilReplaced = await measureReplacements(client, Number(values.runs) + 1)
  console.log('Seconds until the replacement of a failed pod runs:', untilReplaced)
  const { peakRssMiB, memoryLimitMiB, reconciles } = await operator.figures()
  const reconcileSeconds = { p50: quantile(reconciles, 0.5), p99: quantile(reconciles, 0.99) }
  const facts = { machine, operator: { peakRssMiB, memoryLimitMiB, reconcileSeconds }, table, ratios, untilReplaced }
  await writeFile(OUT, `${JSON.stringify(facts, null, 2)}\n`)
} finally {
  await operator.stop()
  await client.close()
}
