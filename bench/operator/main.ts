/**
 * `npm run bench:operator [-- --runs 20]`: the time from creating a job until its 51 pods run, on fake GPU nodes of a real
 * API server, for Downpour, Kubeflow's training-operator, an Indexed Job, and scripts that only POST the pods. Each round
 * runs every contender once, so that other load of the machine affects all of them, in a random order, because the garbage
 * collections of the API server would coincide with a fixed one. Starts the cluster that it needs (`npm run cluster`).
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { podName } from '../../src/contract/names.ts'
import { KubeClient } from '../../src/kube/client.ts'
import { silentLog } from '../../src/support/log.ts'
import { createRandom, type Random } from '../../src/support/random.ts'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { type Kubectl, kubectlAt } from '../../tools/cluster/kubectl.ts'
import { machineText, percentile } from '../figures.ts'
import { type Counts, difference, QUIET_MS, readWrites, sumOf, untilQuiet } from './api-writes.ts'
import { type Contender, downpour, indexedJob, PODS, posts, samePods, trainingOperator } from './contenders.ts'
import { measureReplacement } from './lose-pod.ts'
import { measureStart, type Start, untilGone } from './measure.ts'
import { quantile, startOperatorProcess } from './operator-process.ts'
import { prepareNamespace } from './prepare.ts'

const OUT = 'bench/results/operator.json'
/** Workers that are failed to measure their replacement. */
const LOSSES = 5

interface Run extends Start {
  writes: Counts
}

async function runOnce(contender: Contender, run: number, client: KubeClient, kubectl: Kubectl): Promise<Run> {
  // A controller may still write seconds after its job was deleted. These writes must not count for the next contender.
  const before = await untilQuiet(kubectl)
  const selector = contender.selector(run)
  const start = await measureStart(client, selector, PODS, () => contender.begin(client, run))
  // Writes shortly after the last pod runs, such as a status, are part of the start.
  await delay(QUIET_MS)
  const writes = difference(await readWrites(kubectl), before)
  await contender.end(client, run)
  await untilGone(client, selector)
  return { ...start, writes }
}

function summary(name: string, runs: readonly Run[]) {
  const of = (pick: (run: Run) => number) => (share: number) => percentile(runs.map(pick), share)
  const [created, running] = [of((run) => run.createdSeconds), of((run) => run.runningSeconds)]
  const writes = (pattern: RegExp) => of((run) => sumOf(run.writes, pattern))(0.5)
  return {
    name,
    runs: runs.length,
    createdP50: created(0.5),
    runningP50: running(0.5),
    runningP99: running(0.99),
    objects: writes(/^POST (pods|services)$/),
    statusWrites: writes(/(pretrainjobs|jobs|tfjobs)\/status$/),
    eventWrites: writes(/ events$/),
  }
}

/** Starts a further job and fails its pods one after the other. @returns median seconds until the replacement runs */
async function measureReplacements(client: KubeClient, run: number) {
  const lose = async (names: readonly string[]) => {
    const seconds: number[] = []
    for (const name of names) seconds.push(await measureReplacement(client, name))
    return percentile(seconds, 0.5)
  }
  const name = (role: 'ps' | 'worker', index: number) => podName('PretrainJob', `downpour-${run}`, role, index)
  const selector = downpour.selector(run)
  await measureStart(client, selector, PODS, () => downpour.begin(client, run))
  const workerSeconds = await lose(Array.from({ length: LOSSES }, (_, index) => name('worker', index)))
  const parameterServerSeconds = await lose([name('ps', 0)])
  await downpour.end(client, run)
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
const contenders = ALL.filter(({ name }) => values.only.split(',').includes(name))
const cluster = await ensureCluster({ trainingOperator: contenders.includes(trainingOperator) })
const kubectl = kubectlAt(cluster.kubectl)
const client = new KubeClient({
  kubeConfig: cluster.kubeconfig,
  log: silentLog,
  limits: { qps: 1e6, burst: 1e6 },
})
await prepareNamespace(client, kubectl)
const random = createRandom(Number(values.seed))
process.stdout.write(`order by --seed ${values.seed}\n`)
const operator = await startOperatorProcess(cluster.kubeconfig)
const results = new Map<Contender, Run[]>(contenders.map((contender) => [contender, []]))
try {
  for (let run = 0; run <= Number(values.runs); run++) {
    for (const contender of shuffled(contenders, random)) {
      const result = await runOnce(contender, run, client, kubectl)
      // The first run of each contender warms caches and connections and is not counted.
      if (run > 0) results.get(contender)?.push(result)
      process.stdout.write(`${run} ${contender.name}: Running after ${result.runningSeconds.toFixed(2)} s\n`)
    }
  }
  const table = contenders.map((contender) => summary(contender.name, results.get(contender) ?? []))
  const p50 = (name: string) => table.find((row) => row.name === name)?.runningP50 ?? Number.NaN
  const ratios = Object.fromEntries(
    ['posts', 'posts-same-pods', 'indexed-job', 'training-operator'].map((name) => [name, p50('downpour') / p50(name)]),
  )
  console.table(table)
  console.log('Downpour, p50 until Running, as a share of:', ratios)
  await mkdir('bench/results', { recursive: true })
  const untilReplaced = await measureReplacements(client, Number(values.runs) + 1)
  console.log('Seconds until the replacement of a failed pod runs:', untilReplaced)
  const { peakRssMiB, memoryLimitMiB, reconciles } = await operator.figures()
  const reconcileSeconds = { p50: quantile(reconciles, 0.5), p99: quantile(reconciles, 0.99) }
  const facts = {
    machine: machineText(),
    operator: { peakRssMiB, memoryLimitMiB, reconcileSeconds },
    table,
    ratios,
    untilReplaced,
  }
  await writeFile(OUT, `${JSON.stringify(facts, null, 2)}\n`)
} finally {
  await operator.stop()
  await client.close()
}
