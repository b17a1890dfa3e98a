/** Measures one point: so many workers and parameter servers, each server with a CPU limit. */
import { setTimeout as sleep } from 'node:timers/promises'
import { mean, percentile, sum } from '../figures.ts'
import type { ClientsReport } from './clients-process.ts'
import { Fleet } from './fleet.ts'
import type { ServerUsage } from './server-process.ts'

export interface Size {
  readonly workers: number
  readonly servers: number
}

export interface Point extends Size {
  readonly stepsPerSecond: number
  /** Mean of the waits that stand for computing. */
  readonly waitedSeconds: number
  /** Of all servers together, for one step. */
  readonly serverCpuSeconds: number
  /** Of a worker, for one step. */
  readonly workerCpuSeconds: number
  /** Of the limit of the busiest server. */
  readonly serverBusy: number
  readonly pushP99Seconds: number
  readonly staleness: { readonly mean: number; readonly p99: number }
  /** Of the largest server. */
  readonly residentBytes: number
}

export interface Measuring {
  /** Of a core, for each server. */
  readonly cores: number
  readonly settleSeconds: number
  readonly seconds: number
}

/** So many exchanges of each process of workers, until the code is compiled. */
const WARM_UP_EXCHANGES = 48
const SAMPLE_MS = 500

export function measurePoint(size: Size, { cores, settleSeconds, seconds }: Measuring): Promise<Point> {
  return Fleet.with(size.servers, async (fleet) => {
    await fleet.connect(size.workers)
    await fleet.ask({ type: 'exchange', times: Math.ceil(WARM_UP_EXCHANGES / Math.min(8, size.workers)) })
    fleet.limit(cores)
    await fleet.ask({ type: 'train' })
    await sleep(1000 * settleSeconds)
    await fleet.reports()
    const before = await fleet.usages()
    const residentBytes = await mostResidentBytes(fleet, seconds)
    const { secondsPerStep, ...figures } = figuresOf(before, await fleet.usages(), await fleet.reports(), cores)
    return { ...size, stepsPerSecond: size.workers / secondsPerStep, ...figures, residentBytes }
  })
}

/** Of the largest server, sampled during `seconds`. */
async function mostResidentBytes(fleet: Fleet, seconds: number): Promise<number> {
  let most = 0
  const endMs = performance.now() + 1000 * seconds
  while (performance.now() < endMs) {
    await sleep(SAMPLE_MS)
    const usages = await fleet.usages()
    most = Math.max(most, ...usages.map(({ residentBytes }) => residentBytes))
  }
  return most
}

function figuresOf(
  before: readonly ServerUsage[],
  after: readonly ServerUsage[],
  reports: readonly ClientsReport[],
  cores: number,
) {
  const spent = after.map(({ cpuSeconds, atSeconds, step }, i) => {
    const from = before[i] as ServerUsage
    return { cpu: cpuSeconds - from.cpuSeconds, wall: atSeconds - from.atSeconds, steps: step - from.step }
  })
  const { steps = 0 } = spent[0] ?? {}
  const staleness = reports.flatMap((report) => report.staleness)
  const pushed = reports.flatMap((report) => report.pushSeconds)
  return {
    // Of whole steps: the number of steps in the window would be rounded.
    secondsPerStep: mean(reports.flatMap((report) => report.stepSeconds)),
    waitedSeconds: mean(reports.flatMap((report) => report.waitedSeconds)),
    serverCpuSeconds: sum(spent.map(({ cpu }) => cpu)) / steps,
    workerCpuSeconds: sum(reports.map(({ cpuSeconds }) => cpuSeconds)) / pushed.length,
    serverBusy: Math.max(...spent.map((server) => server.cpu / server.wall)) / cores,
    pushP99Seconds: percentile(pushed, 0.99),
    staleness: { mean: mean(staleness), p99: percentile(staleness, 0.99) },
  }
}
