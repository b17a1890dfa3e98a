/** What the kubelet and Prometheus get from a process meanwhile: a probe and a scrape each second. */
import { percentile } from '../figures.ts'
import { scrape, type Target } from './targets.ts'

const EVERY_MS = 1000
/** The default timeout of a probe of Kubernetes, and the scrape timeout at one scrape a second. */
const TIMEOUT_MS = 1000

export interface Probes {
  /** Only answers in windows with clients count. */
  note(isOn: boolean): void
  end(): Promise<{ answers: number; missed: number; slowestP99Ms: number }>
}

export function watchProbes(targets: readonly Target[]): Probes {
  const tookMs: number[] = []
  let isOn = false
  const ask = async (target: Target) => {
    const startedMs = performance.now()
    const counts = isOn
    await fetch(`http://${target.host}:${target.port}/readyz`).then((answer) => answer.text())
    await scrape(target)
    if (counts) tookMs.push(performance.now() - startedMs)
  }
  const timer = setInterval(() => {
    for (const target of targets) void ask(target).catch(() => tookMs.push(Number.POSITIVE_INFINITY))
  }, EVERY_MS)
  return {
    note(on) {
      isOn = on
    },
    async end() {
      clearInterval(timer)
      const slow = tookMs.filter((took) => took > TIMEOUT_MS)
      return { answers: tookMs.length, missed: slow.length, slowestP99Ms: Math.round(percentile(tookMs, 0.99)) }
    },
  }
}
