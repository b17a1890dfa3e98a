/**
 * `npm run bench:workers`: steps a second of 1, 2, 8 and 50 workers whose compute is a wait, with 1, 2 and 4 parameter
 * servers, beside the ideal and beside the simulator of `downpour plan`, which is fitted on two of these points. Each
 * server has a CPU limit, so that servers are full before the cores of the machine are. It also measures the costs that
 * `downpour plan` has as defaults. Needs root, for the limit.
 */
import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { ASSUMED_NETWORK } from '../../src/simulate/assumed.ts'
import type { Costs } from '../../src/simulate/machine.ts'
import { sizeOf } from '../../src/support/variables.ts'
import { machineText } from '../figures.ts'
import { type ExchangeCosts, measureExchange } from './exchange-costs.ts'
import { fitOn, simulatePoint } from './fit.ts'
import { COMPUTE, LAYOUT } from './job.ts'
import { applySeconds, copySeconds, diskCosts, inputCosts } from './local-costs.ts'
import { measurePoint, type Point, type Size } from './point.ts'
import { type Compared, idealOf, isFullAt, verdictsOf } from './verdict.ts'

const OUT = 'bench/results/workers.json'
const WORKERS = [1, 2, 8, 50]
const SERVERS = [1, 2, 4]
const FITTED_ON: readonly Size[] = [
  { workers: 1, servers: 1 },
  { workers: 50, servers: 1 },
]
/** So many workers fill one parameter server: fewer than 50, and so many that 4 servers are not full with 50. */
const FULL_AT = 22
const MEASURING = { settleSeconds: 7, seconds: 16 }
const MODEL_BYTES = 4 * LAYOUT.variables.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
/** Of rmsprop, for each weight: the weight, two slots and the gradient. */
const ARRAYS = 4
/** What a process that has worked takes beside its arrays: buffers of sockets, compiled code, garbage. */
const WORKING_BYTES = 96 * 2 ** 20

async function measurePoints(cores: number): Promise<Point[]> {
  const points: Point[] = []
  for (const servers of SERVERS)
    for (const workers of WORKERS) {
      const point = await measurePoint({ workers, servers }, { ...MEASURING, cores })
      process.stderr.write(`${workers} workers, ${servers} servers: ${point.stepsPerSecond.toFixed(2)} steps/s\n`)
      points.push(point)
    }
  return points
}

function compare(points: readonly Point[], { requestSeconds, emptyBytes }: ExchangeCosts, cores: number): Compared[] {
  const at = ({ workers, servers }: Size) =>
    points.find((point) => point.workers === workers && point.servers === servers) as Point
  const [alone, full] = FITTED_ON.map(at) as [Point, Point]
  const fitted = fitOn(alone, full, requestSeconds / cores)
  return points.map((point) => {
    const ideal = idealOf(point, at({ workers: 1, servers: point.servers }))
    const { stepsPerSecond, staleness, peakBodyBytes } = simulatePoint(point, point.waitedSeconds, fitted)
    return {
      ...point,
      idealStepsPerSecond: ideal,
      isFull: isFullAt(ideal, point, 1 / full.stepsPerSecond),
      simulated: { stepsPerSecond, staleness },
      isFitted: point === alone || point === full,
      allowedBytes: emptyBytes + WORKING_BYTES + (ARRAYS * MODEL_BYTES) / point.servers + peakBodyBytes,
    }
  })
}

/** Receiving and sending cost the same for a byte, and what applying costs is measured apart. */
async function measureCosts({
  serverSeconds,
  requestSeconds,
  workerSeconds,
  emptyBytes,
}: ExchangeCosts): Promise<Costs> {
  const apply = await applySeconds()
  const gigabytes = (2 * MODEL_BYTES) / 1e9
  const perGigabyte = (serverSeconds - 2 * requestSeconds - (apply.rmsprop * gigabytes) / 2) / gigabytes
  return {
    input: await inputCosts(),
    network: ASSUMED_NETWORK,
    server: {
      secondsPerRequest: requestSeconds,
      receiveSecondsPerGigabyte: perGigabyte,
      sendSecondsPerGigabyte: perGigabyte,
      applySecondsPerGigabyte: apply,
      copySecondsPerGigabyte: await copySeconds(),
      processBytes: emptyBytes,
    },
    worker: {
      sendSecondsPerGigabyte: workerSeconds / gigabytes,
      receiveSecondsPerGigabyte: workerSeconds / gigabytes,
      processBytes: Number(execFileSync(process.execPath, ['bench/workers/worker-memory.ts'], { encoding: 'utf8' })),
    },
    disk: await diskCosts(),
  }
}

function rowOf(point: Compared) {
  const { workers, servers, stepsPerSecond, idealStepsPerSecond, simulated, staleness } = point
  return {
    workers,
    servers,
    'steps/s': rounded(stepsPerSecond),
    ideal: rounded(idealStepsPerSecond),
    'of ideal': rounded(stepsPerSecond / idealStepsPerSecond),
    full: point.isFull,
    simulated: rounded(simulated.stepsPerSecond),
    'simulated/measured': rounded(simulated.stepsPerSecond / stepsPerSecond),
    fitted: point.isFitted,
    'push p99 s': rounded(point.pushP99Seconds),
    'staleness mean': rounded(staleness.mean),
    'staleness p99': staleness.p99,
    'simulated staleness mean': rounded(simulated.staleness.mean),
    'simulated staleness p99': simulated.staleness.p99,
    'server CPU ms a step': rounded(1000 * point.serverCpuSeconds),
    'worker CPU ms a step': rounded(1000 * point.workerCpuSeconds),
    'server busy': rounded(point.serverBusy),
    'server MB': Math.round(point.residentBytes / 1e6),
    'allowed MB': Math.round(point.allowedBytes / 1e6),
  }
}

/** To three digits. */
function rounded(value: number): number {
  return Number(value.toPrecision(3))
}

function roundedAll(fields: object): object {
  const entries = Object.entries(fields)
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === 'number' ? rounded(value) : roundedAll(value)]),
  )
}

const exchange = await measureExchange()
const cores = Math.min(1, (FULL_AT * exchange.serverSeconds) / COMPUTE.mean)
const compared = compare(await measurePoints(cores), exchange, cores)
const verdicts = verdictsOf(compared)
const rows = compared.map(rowOf)
console.table(rows)
console.table(verdicts)
const facts = {
  machine: machineText(),
  loadAverage: rounded(loadavg()[0] as number),
  modelBytes: MODEL_BYTES,
  computeSeconds: COMPUTE,
  serverCores: rounded(cores),
}
const costs = roundedAll(await measureCosts(exchange))
await writeFile(OUT, `${JSON.stringify({ ...facts, costs, rows, verdicts }, null, 2)}\n`)
if (verdicts.some(({ kept }) => !kept)) process.exitCode = 1
