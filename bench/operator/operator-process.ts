/** The operator as a process, and what its own metrics and the kernel say of it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

const LOG = '.cache/bench-operator.log'

export interface OperatorFigures {
  peakRssMiB: number
  reconciles: number
  /** Upper bound of the histogram's bucket, seconds. */
  reconcileP50: number
  reconcileP99: number
  eventLoopLagP99: number
}

export interface MeasuredOperator {
  figures(): Promise<OperatorFigures>
  peakRssMiB(): Promise<number>
  /** Until so many reconciles have been. */
  untilReconciled(count: number): Promise<void>
  /** Lets figures gather while nothing new happens. */
  settle(): Promise<void>
  stop(): Promise<void>
}

const SETTLE_MS = 20_000

export async function startOperatorProcess(kubeconfig: string): Promise<MeasuredOperator> {
  await mkdir('.cache', { recursive: true })
  const output = openSync(LOG, 'w')
  const flags = ['operator', '--kubeconfig', kubeconfig, '--no-leader-elect', '--http-port', '0']
  const child = spawn(process.execPath, ['bin/downpour', ...flags], { stdio: ['ignore', output, output] })
  const port = async () => /"httpPort":(\d+)/.exec(await readFile(LOG, 'utf8'))?.[1] ?? '1'
  const get = async (path: string) => fetch(`http://127.0.0.1:${await port()}${path}`).catch(() => undefined)
  while (!(await get('/readyz'))?.ok) {
    if (child.exitCode !== null) throw new Error(`the operator ended; see ${LOG}`)
    await delay(100)
  }
  const metrics = async () => (await get('/metrics'))?.text() ?? ''
  const peakRssMiB = async () => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
    return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024)
  }
  return {
    peakRssMiB,
    figures: async () => ({ peakRssMiB: await peakRssMiB(), ...figuresOf((await metrics()) ?? '') }),
    async untilReconciled(count) {
      while (figuresOf((await metrics()) ?? '').reconciles < count) await delay(100)
    },
    settle: () => delay(SETTLE_MS),
    async stop() {
      child.kill('SIGTERM')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}

function figuresOf(metrics: string): Omit<OperatorFigures, 'peakRssMiB'> {
  const name = 'controller_runtime_reconcile_time_seconds'
  const buckets = [...metrics.matchAll(new RegExp(`^${name}_bucket\\{le="([^"]+)".*\\} (\\d+)`, 'gm'))]
  const counts = buckets.map(([, le = '', count]) => ({
    le: Number(le.replace('+Inf', 'Infinity')),
    count: Number(count),
  }))
  const total = counts.at(-1)?.count ?? 0
  const quantile = (share: number) => counts.find(({ count }) => count >= share * total)?.le ?? Number.NaN
  const lag = /^nodejs_eventloop_lag_p99_seconds (\S+)/m.exec(metrics)?.[1]
  return { reconciles: total, reconcileP50: quantile(0.5), reconcileP99: quantile(0.99), eventLoopLagP99: Number(lag) }
}
