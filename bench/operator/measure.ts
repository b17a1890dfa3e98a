/** Measures the time from creating a job until its pods exist and run, with a watch that is the same for every contender. */
import { setTimeout as delay } from 'node:timers/promises'
import type { KubeClient } from '../../src/kube/client.ts'
import type { KubeObject } from '../../src/kube/objects.ts'

export const NAMESPACE = 'bench'
export const PODS = { apiVersion: 'v1', plural: 'pods', namespace: NAMESPACE }
const LIMIT_MS = 120_000

type Pod = KubeObject & { status?: { phase?: string } }

export interface Start {
  /** Until all pods exist; like `runningSeconds`, counted from just before the job is created. */
  createdSeconds: number
  /** Until all pods run or have succeeded. */
  runningSeconds: number
}

/** @param begin creates the job; the pods may run before it returns */
export async function measureStart(
  client: KubeClient,
  selector: string,
  pods: number,
  begin: () => Promise<void>,
): Promise<Start> {
  const stop = new AbortController()
  const limit = setTimeout(() => stop.abort(new Error(`no ${pods} running pods of ${selector} in time`)), LIMIT_MS)
  const opened = Promise.withResolvers<void>()
  const phases = new Map<string, string>()
  const start: Start = { createdSeconds: Number.NaN, runningSeconds: Number.NaN }
  let startedMs = Number.NaN
  const watching = (async () => {
    const options = { labelSelector: selector, signal: stop.signal, onOpen: opened.resolve }
    for await (const { type, object } of client.watch<Pod>(PODS, options)) {
      if (type !== 'ADDED' && type !== 'MODIFIED') continue
      phases.set(object.metadata.name, object.status?.phase ?? '')
      const seconds = (performance.now() - startedMs) / 1000
      if (Number.isNaN(start.createdSeconds) && phases.size >= pods) start.createdSeconds = seconds
      if ([...phases.values()].filter((phase) => phase === 'Running' || phase === 'Succeeded').length < pods) continue
      start.runningSeconds = seconds
      return
    }
  })()
  try {
    await Promise.race([opened.promise, watching])
    startedMs = performance.now()
    await Promise.all([begin(), watching])
    return start
  } finally {
    clearTimeout(limit)
    stop.abort()
  }
}

/** Deletes the remaining pods of a run and waits until none exists. */
export async function untilGone(client: KubeClient, selector: string): Promise<void> {
  for (;;) {
    const { items } = await client.list(PODS, { labelSelector: selector })
    if (items.length === 0) return
    await Promise.all(
      items.map(({ metadata }) => client.delete({ ...PODS, name: metadata.name }, { gracePeriodSeconds: 0 })),
    )
    await delay(100)
  }
}
