/** Readiness probes over HTTP. */
import type { Stored } from '../store/objects.ts'
import { type ContainerSpec, containerOf } from './container.ts'

/** Probes more often until the first success, so that a start does not wait for the probe's period. */
const INITIAL_PERIOD_MS = 200
const TIMEOUT_MS = 1000
const DEFAULT_PERIOD_SECONDS = 10
const DEFAULT_FAILURE_THRESHOLD = 3

/** A pod without a probe is ready as soon as it runs. */
export function hasProbe(pod: Stored): boolean {
  return containerOf(pod).readinessProbe?.httpGet !== undefined
}

/** Calls `onChange` whenever readiness changes; it begins as not ready. @returns a function that stops the probe */
export function startProbe(pod: Stored, podIP: string, onChange: (ready: boolean) => void): () => void {
  const { readinessProbe: probe, ports } = containerOf(pod)
  if (!probe?.httpGet) return () => {}
  const url = `http://${podIP}:${portOf(probe.httpGet.port, ports)}${probe.httpGet.path ?? '/'}`
  const periodMs = (probe.periodSeconds ?? DEFAULT_PERIOD_SECONDS) * 1000
  const stopping = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let ready = false
  let failures = 0
  const probeOnce = async () => {
    const success = await answers(url, stopping.signal)
    if (stopping.signal.aborted) return
    failures = success ? 0 : failures + 1
    const now = success || (ready && failures < (probe.failureThreshold ?? DEFAULT_FAILURE_THRESHOLD))
    if (now !== ready) onChange(now)
    ready = now
    timer = setTimeout(() => void probeOnce(), ready ? periodMs : Math.min(INITIAL_PERIOD_MS, periodMs))
  }
  void probeOnce()
  return () => {
    stopping.abort()
    clearTimeout(timer)
  }
}

function portOf(port: string | number, ports: ContainerSpec['ports']): string | number {
  return ports?.find(({ name }) => name === port)?.containerPort ?? port
}

async function answers(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}
