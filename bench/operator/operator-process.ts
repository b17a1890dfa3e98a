/** Runs the operator as its image does, bundled and within the chart's memory limit, and reads figures from its metrics and the kernel. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { copyFile, mkdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { load } from 'js-yaml'
import { bundleOperator } from '../../tools/images/bundle.ts'

const FOLDER = '.cache/bench-operator'
const LOG = `${FOLDER}/log`
const CGROUP = '/sys/fs/cgroup/memory/downpour-bench'

/** Cumulative buckets of a Prometheus histogram. */
export type Histogram = readonly { le: number; count: number }[]

export interface OperatorFigures {
  peakRssMiB: number
  /** Of its cgroup; null: it ran without one, because only root on cgroup v1 can create one. */
  memoryLimitMiB: number | null
  eventLoopLagP99: number
  reconciles: Histogram
}

export interface MeasuredOperator {
  figures(): Promise<OperatorFigures>
  /** Waits until the operator has done this many reconciles since its start. */
  untilReconciled(count: number): Promise<void>
  stop(): Promise<void>
}

export async function startOperatorProcess(kubeconfig: string): Promise<MeasuredOperator> {
  await bundleOperator(`${FOLDER}/dist`)
  await copyFile('package.json', `${FOLDER}/package.json`)
  const output = openSync(LOG, 'w')
  const flags = ['operator', '--kubeconfig', kubeconfig, '--no-leader-elect', '--http-port', '0']
  const memoryLimitMiB = await makeMemoryLimit()
  // The shell enters the cgroup before it starts Node, because Node sizes its heap by the limit at its start.
  const enter = memoryLimitMiB === null ? '' : `echo $$ > ${CGROUP}/cgroup.procs && `
  const program = [process.execPath, ...(await imageFlags()), `${FOLDER}/dist/operator/operator.mjs`, ...flags]
  const child = spawn('/bin/sh', ['-c', `${enter}exec "$0" "$@"`, ...program], { stdio: ['ignore', output, output] })
  const port = async () => /"httpPort":(\d+)/.exec(await readFile(LOG, 'utf8'))?.[1] ?? '1'
  const get = async (path: string) => fetch(`http://127.0.0.1:${await port()}${path}`).catch(() => undefined)
  while (!(await get('/readyz'))?.ok) {
    if (child.exitCode !== null) throw new Error(`the operator ended; see ${LOG}`)
    await delay(100)
  }
  const metrics = async () => (await (await get('/metrics'))?.text()) ?? ''
  const peakRssMiB = async () => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
    return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024)
  }
  return {
    figures: async () => ({ peakRssMiB: await peakRssMiB(), memoryLimitMiB, ...figuresOf(await metrics()) }),
    async untilReconciled(count) {
      while (totalOf(figuresOf(await metrics()).reconciles) < count) await delay(100)
    },
    async stop() {
      child.kill('SIGTERM')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      if (memoryLimitMiB !== null) await rmdir(CGROUP)
    },
  }
}

/** @returns the options of Node in the entrypoint of the operator's image */
async function imageFlags(): Promise<string[]> {
  const [, entrypoint = ''] = /^ENTRYPOINT (.+)$/m.exec(await readFile('docker/operator.Dockerfile', 'utf8')) ?? []
  return (JSON.parse(entrypoint) as string[]).slice(1, -1)
}

/** @returns the limit in MiB; null if the cgroup cannot be created */
async function makeMemoryLimit(): Promise<number | null> {
  const values = load(await readFile('charts/downpour/values.yaml', 'utf8')) as {
    resources: { limits: { memory: string } }
  }
  const mebibytes = Number(/^(\d+)Mi$/.exec(values.resources.limits.memory)?.[1])
  try {
    await mkdir(CGROUP, { recursive: true })
    await writeFile(`${CGROUP}/memory.limit_in_bytes`, String(mebibytes * 2 ** 20))
    return mebibytes
  } catch {
    return null
  }
}

/** @returns the upper bound, in seconds, of the bucket that contains this quantile of the reconciles since `before` */
export function quantile(reconciles: Histogram, share: number, before: Histogram = []): number {
  const since = reconciles.map(({ le, count }, i) => ({ le, count: count - (before[i]?.count ?? 0) }))
  return since.find(({ count }) => count >= share * totalOf(since))?.le ?? Number.NaN
}

export function totalOf(histogram: Histogram): number {
  return histogram.at(-1)?.count ?? 0
}

function figuresOf(metrics: string): Pick<OperatorFigures, 'eventLoopLagP99' | 'reconciles'> {
  const name = 'controller_runtime_reconcile_time_seconds'
  const buckets = metrics.matchAll(new RegExp(`^${name}_bucket\\{le="([^"]+)".*\\} (\\d+)`, 'gm'))
  const reconciles = [...buckets].map(([, le = '', count]) => ({
    le: Number(le.replace('+Inf', 'Infinity')),
    count: Number(count),
  }))
  const lag = /^nodejs_eventloop_lag_p99_seconds (\S+)/m.exec(metrics)?.[1]
  return { reconciles, eventLoopLagP99: Number(lag) }
}
